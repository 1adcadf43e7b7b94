"""The golden data of this project keeps what its rubric and its README promise."""

from __future__ import annotations

import json
import re
from hashlib import sha256
from itertools import combinations
from pathlib import Path

import pytest

from evalkit.golden import load_task
from evalkit.stats.calibration import concordance, kappa
from evalkit.tasks import Example, Task

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "golden" / "market_direction"
ADAPTER = ROOT / "fixtures" / "adapters" / "market_direction"
VALUES = {
    "relevance": {0, 0.2, 0.5, 0.8, 1},
    "direction": {-1, 0, 1},
    "magnitude": {0, 0.02, 0.05, 0.1, 0.2, 0.4, 0.6},
    "source_credibility": {0.95, 0.8, 0.6, 0.5, 0.4, 0.2},
}


@pytest.fixture(scope="module")
def task() -> Task:
    return load_task(FOLDER)


def share(examples: tuple[Example, ...], *tags: str) -> float:
    return sum(any(tag in example.tags for tag in tags) for example in examples) / len(examples)


def test_there_are_enough_examples_of_each_split(task: Task) -> None:
    least = {"train": 240, "dev": 60, "test": 120, "reference": 3, "malformed": 10}
    assert {split: len(task.splits[split]) >= count for split, count in least.items()} == dict.fromkeys(least, True)


@pytest.mark.parametrize("split", ["test", "dev"])
def test_a_third_is_noise_and_a_third_has_a_metric_that_points_the_other_way(task: Task, split: str) -> None:
    examples = task.splits[split]
    assert 0.30 <= share(examples, "noise", "near_noise") <= 0.40
    assert share(examples, "inverted") >= 1 / 3
    signs = [example.expected["direction"] for example in examples if "inverted" in example.tags]
    assert 1 in signs
    assert -1 in signs


@pytest.mark.parametrize("split", ["train", "dev", "test", "reference"])
def test_every_label_is_a_value_of_the_rubric(task: Task, split: str) -> None:
    wrong = [
        (example.id, field, example.expected[field])
        for example in task.splits[split]
        for field, values in VALUES.items()
        if "error" not in example.expected and example.expected[field] not in values
    ]
    assert wrong == []


@pytest.mark.parametrize("split", ["train", "dev", "test", "reference"])
def test_no_direction_has_no_magnitude_and_the_tags_say_so(task: Task, split: str) -> None:
    for example in task.splits[split]:
        if "error" in example.expected:
            continue
        direction, magnitude = example.expected["direction"], example.expected["magnitude"]
        assert magnitude in ((0, 0.02) if direction == 0 else VALUES["magnitude"] - {0}), example.id
        assert ("noise" in example.tags) == (magnitude == 0), example.id
        assert ("near_noise" in example.tags) == (magnitude == 0.02), example.id


def test_every_error_code_is_asked_for(task: Task) -> None:
    codes = set(task.schema["oneOf"][1]["properties"]["error"]["enum"])
    for split in ("train", "malformed"):
        assert {str(example.expected.get("error")) for example in task.splits[split]} >= codes


def test_splits_share_no_event_and_no_wording(task: Task) -> None:
    everything = [example for examples in task.splits.values() for example in examples]
    groups: dict[str, set[str]] = {}
    for example in everything:
        groups.setdefault(example.group, set()).add(example.split)
    assert {group: splits for group, splits in groups.items() if len(splits) > 1} == {}
    for field in ("headline", "question"):
        shingled = [(example, shingles(str(example.input[field]))) for example in everything]
        close = [
            (one.id, two.id)
            for (one, first), (two, second) in combinations(shingled, 2)
            if one.split != two.split and first and second and len(first & second) > 0.5 * len(first | second)
        ]
        assert close == []


def shingles(text: str) -> frozenset[str]:
    plain = re.sub(r"\W+", " ", text.lower()).strip()
    return frozenset(plain[start : start + 5] for start in range(len(plain) - 4))


def test_the_readers_first_agreement_is_what_their_labels_give(task: Task) -> None:
    record = json.loads((FOLDER / "agreement.json").read_text(encoding="utf-8"))
    assert record["labels"].keys() == {example.id for example in task.splits["test"]}
    for column, field in enumerate(record["fields"]):
        writer, reader = ([labels[who][column] for labels in record["labels"].values()] for who in (0, 1))
        measure = "concordance" if "concordance" in record["figures"][field] else "kappa"
        found = concordance(writer, reader) if measure == "concordance" else kappa(writer, reader)
        assert found is not None
        same = sum(one == two for one, two in zip(writer, reader, strict=True))
        assert record["figures"][field] == {measure: round(found, 4), "same": same}


def test_the_committed_adapter_was_trained_on_this_train_split_and_this_contract() -> None:
    record = json.loads((ADAPTER / "training.json").read_text(encoding="utf-8"))
    for name in ("train.jsonl", "task.toml"):
        digest = sha256((FOLDER / name).read_bytes()).hexdigest()
        assert record["data"][f"golden/market_direction/{name}"] == digest, f"{name} has changed: train again"
    assert (ADAPTER / "adapter_model.safetensors").stat().st_size < 6_000_000
