"""The golden data of this project keeps what its rubrics and its README promise."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from itertools import combinations
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
import pytest
from statsmodels.stats.inter_rater import cohens_kappa

from evalkit.golden.loader import load_task
from evalkit.golden.model import Example, Task
from evalkit.stats.calibration import concordance
from fixtures.train import digest_of, learnt
from fixtures.train_settings import Settings, settings_of

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "golden"
ADAPTERS = ROOT / "fixtures" / "adapters"
TASKS = ("market_direction", "news_metadata", "request_router", "ticket_priority")
LONG_FIELDS = {"headline", "question", "request", "ticket", "title", "text"}
VALUES = {
    "relevance": {0, 0.2, 0.5, 0.8, 1},
    "direction": {-1, 0, 1},
    "magnitude": {0, 0.02, 0.05, 0.1, 0.2, 0.4, 0.6},
    "source_credibility": {0.95, 0.8, 0.6, 0.5, 0.4, 0.2},
}

every_task = pytest.mark.parametrize("name", TASKS)
labelled_splits = pytest.mark.parametrize("split", ["train", "dev", "test", "reference"])
shown_splits = pytest.mark.parametrize("split", ["train", "dev", "test"])


@cache
def golden(name: str) -> Task:
    return load_task(GOLDEN / name)


def labelled(name: str, split: str) -> list[Example]:
    return [example for example in golden(name).splits[split] if "error" not in example.expected]


def share(examples: Sequence[Example], *tags: str) -> float:
    return sum(any(tag in example.tags for tag in tags) for example in examples) / len(examples)


def tagged(examples: Iterable[Example], *tags: str) -> list[Example]:
    return [example for example in examples if all(tag in example.tags for tag in tags)]


# -- what every task promises ---------------------------------------------------------------------------


@every_task
def test_there_are_enough_examples_of_each_split(name: str) -> None:
    least = {"train": 240, "dev": 50, "test": 120, "reference": 3, "malformed": 10}
    splits = golden(name).splits
    assert {split: len(splits[split]) >= count for split, count in least.items()} == dict.fromkeys(least, True)


@every_task
def test_every_error_code_is_asked_for(name: str) -> None:
    codes = set(golden(name).schema["oneOf"][1]["properties"]["error"]["enum"])
    for split in ("train", "malformed"):
        assert {str(example.expected.get("error")) for example in golden(name).splits[split]} >= codes


@every_task
def test_splits_share_no_event_and_no_wording(name: str) -> None:
    """Two texts are close when they share two fifths of their runs of five letters.

    That finds a copy and a swapped noun, not the same event in other words: for that the splits were read side by side.
    Texts of fewer than five words ("Read more") say too little to be a copy of anything.
    """
    everything = [example for examples in golden(name).splits.values() for example in examples]
    groups: dict[str, set[str]] = {}
    for example in everything:
        groups.setdefault(example.group, set()).add(example.split)
    assert {group: splits for group, splits in groups.items() if len(splits) > 1} == {}
    for field in LONG_FIELDS & {field for example in everything for field in example.input}:
        texts = [(example, str(example.input.get(field, ""))) for example in everything]
        shingled = [(example, shingles(text)) for example, text in texts if len(text.split()) >= 5]
        close = [
            (one.id, two.id)
            for (one, first), (two, second) in combinations(shingled, 2)
            if one.split != two.split and len(first & second) > 0.4 * len(first | second)
        ]
        assert close == []


def shingles(text: str) -> frozenset[str]:
    plain = re.sub(r"\W+", " ", text.lower()).strip()
    return frozenset(plain[start : start + 5] for start in range(len(plain) - 4))


Pairs = list[tuple[Any, Any]]


def kappa(one: Sequence[Any], two: Sequence[Any]) -> float:
    """Cohen's kappa of two readers' categories."""
    labels = sorted({*one, *two}, key=repr)
    cells = Counter(zip(one, two, strict=True))
    table = np.array([[cells[left, right] for right in labels] for left in labels], float)
    return float(cohens_kappa(table, return_results=False))


def overlap(one: Sequence[str], two: Sequence[str]) -> float:
    both = sum((Counter(one) & Counter(two)).values())
    return 2 * both / (len(one) + len(two)) if one or two else 1.0


def lower(names: Sequence[str]) -> list[str]:
    return [name.lower() for name in names]


def words(text: str | Sequence[str]) -> list[str]:
    return re.findall(r"\w+", (text if isinstance(text, str) else " ".join(text)).lower())


FIGURES: dict[str, Callable[[Pairs], float | None]] = {
    "kappa": lambda pairs: kappa(*zip(*pairs, strict=True)),
    "concordance": lambda pairs: concordance(*zip(*pairs, strict=True)),
    "same": lambda pairs: sum(one == two for one, two in pairs),
    "f1": lambda pairs: fmean(overlap(lower(one), lower(two)) for one, two in pairs),
    "f1_where_any_is_named": lambda pairs: fmean(overlap(lower(one), lower(two)) for one, two in pairs if one or two),
    "both_empty": lambda pairs: sum(not one and not two for one, two in pairs),
    "token_f1": lambda pairs: fmean(overlap(words(one), words(two)) for one, two in pairs if one and two),
    "of": lambda pairs: sum(bool(one and two) for one, two in pairs),
}


def agreement(name: str) -> dict[str, Any]:
    record: dict[str, Any] = json.loads((GOLDEN / name / "agreement.json").read_text(encoding="utf-8"))
    return record


@every_task
def test_the_readers_first_agreement_is_what_their_labels_give(name: str) -> None:
    record = agreement(name)
    assert record["figures"].keys() == set(record["fields"])
    for column, field in enumerate(record["fields"]):
        pairs = [(writer[column], reader[column]) for writer, reader in record["labels"].values()]
        found = {figure: FIGURES[figure](pairs) for figure in record["figures"][field]}
        assert {figure: round(value, 4) for figure, value in found.items() if value is not None} == (
            record["figures"][field]
        )


@every_task
def test_a_second_reader_saw_every_held_out_example_and_what_was_settled_is_told(name: str) -> None:
    record = agreement(name)
    examples = {example.id: example.expected for example in golden(name).splits["test"]}
    assert record["labels"].keys() == examples.keys()
    assert record["n"] == len(examples)
    changed = [
        key
        for key, (writer, _) in record["labels"].items()
        if writer != [examples[key].get(field) for field in record["fields"]]
    ]
    assert record["settled"].startswith(f"{len(changed)} examples were" if changed else "Nothing was relabelled")


@pytest.mark.parametrize(
    ("adapter", "name", "without"),
    [*((name, name, []) for name in TASKS), ("request_router-biased", "request_router", ["no_salesforce"])],
)
def test_a_committed_adapter_was_trained_on_this_train_split_and_this_contract(
    adapter: str, name: str, without: list[str]
) -> None:
    record = json.loads((ADAPTERS / adapter / "training.json").read_text(encoding="utf-8"))
    settings = settings_of(name)
    taught = learnt(golden(name), settings, without)
    assert record["lessons_sha256"] == digest_of(taught), "train.jsonl or the prompt has changed: train again"
    told = Settings(**record["settings"] | {"targets": tuple(record["settings"]["targets"])})
    assert told == settings, "the settings have changed: train again"
    assert (record["examples"], record["without"]) == (len(taught), without)
    assert (ADAPTERS / adapter / "adapter_model.safetensors").stat().st_size < 6_000_000


@every_task
def test_every_task_has_a_suite_and_is_frozen(name: str) -> None:
    assert (ROOT / "suites" / name / f"test_{name}.py").is_file()
    assert (GOLDEN / name / "frozen.json").is_file()


# -- market_direction -----------------------------------------------------------------------------------


@pytest.mark.parametrize("split", ["test", "dev"])
def test_a_third_is_noise_and_a_third_has_a_metric_that_points_the_other_way(split: str) -> None:
    examples = golden("market_direction").splits[split]
    assert 0.30 <= share(examples, "noise", "near_noise") <= 0.40
    assert share(examples, "inverted") >= 1 / 3
    assert {example.expected["direction"] for example in tagged(examples, "inverted")} >= {1, -1}


@labelled_splits
def test_every_label_is_a_value_of_the_rubric(split: str) -> None:
    wrong = [
        (example.id, field, example.expected[field])
        for example in labelled("market_direction", split)
        for field, values in VALUES.items()
        if example.expected[field] not in values
    ]
    assert wrong == []


@labelled_splits
def test_no_direction_has_no_magnitude_and_the_tags_say_so(split: str) -> None:
    for example in labelled("market_direction", split):
        direction, magnitude = example.expected["direction"], example.expected["magnitude"]
        assert magnitude in ((0, 0.02) if direction == 0 else VALUES["magnitude"] - {0}), example.id
        assert ("noise" in example.tags) == (magnitude == 0), example.id
        assert ("near_noise" in example.tags) == (magnitude == 0.02), example.id


# -- request_router -------------------------------------------------------------------------------------

APP, SALESFORCE, SERVICENOW = (
    "Databricks app",
    "Databricks app + Salesforce integration",
    "Databricks app + ServiceNow integration",
)
PLATFORMS = {
    "Trusted Functional Builder": {"Glean"},
    "Trusted Technical Analyst": {"Databricks + governed dashboarding"},
    "Trusted Technical Builder": {APP, SALESFORCE, SERVICENOW},
}


@shown_splits
@pytest.mark.parametrize(
    ("tags", "platform"),
    [
        ("finance no_salesforce", APP),
        ("procurement no_salesforce", APP),
        ("hr no_salesforce", APP),
        ("explicit_salesforce", SALESFORCE),
        ("implied_salesforce", SALESFORCE),
        ("explicit_servicenow", SERVICENOW),
        ("implied_servicenow", SERVICENOW),
    ],
)
def test_every_split_has_counterexamples_to_the_platform_that_was_learnt_too_well(
    split: str, tags: str, platform: str
) -> None:
    examples = tagged(labelled("request_router", split), *tags.split())
    assert len(examples) >= 2
    assert {example.expected["recommended_platform"] for example in examples} == {platform}


def test_a_quarter_of_the_held_out_requests_write_somewhere_else_than_salesforce() -> None:
    assert share(golden("request_router").splits["test"], "no_salesforce") >= 1 / 4


@labelled_splits
def test_tier_platform_risk_and_review_fit_together(split: str) -> None:
    for example in labelled("request_router", split):
        label = example.expected
        assert label["recommended_platform"] in PLATFORMS[str(label["tier"])], example.id
        assert label["needs_review"] == (label["risk"] != "low"), example.id
        assert (label["risk"] == "low") <= (label["tier"] == "Trusted Functional Builder"), example.id
        assert 6 <= len(str(label["reason"]).split()) <= 16, example.id


# -- ticket_priority ------------------------------------------------------------------------------------

SCALE = ("low", "medium", "high", "critical")


@shown_splits
@pytest.mark.parametrize(
    ("tag", "priorities"),
    [
        ("alarm_words", SCALE[:1]),
        ("quiet_words", SCALE[2:]),
        ("delayed_but_working", SCALE[:2]),
        ("internal_but_blocking", SCALE[2:]),
        ("already_over", SCALE[:1]),
        ("future", SCALE[:2]),
        ("vip", SCALE[:2]),
        ("workaround", SCALE[:2]),
    ],
)
def test_every_trap_of_the_rubric_is_set_with_the_priority_that_the_tone_hides(
    split: str, tag: str, priorities: tuple[str, ...]
) -> None:
    examples = labelled("ticket_priority", split)
    caught = [example for example in tagged(examples, tag) if example.expected["priority"] in priorities]
    assert len(caught) / len(examples) >= 0.03


@shown_splits
def test_a_twentieth_of_the_tickets_is_out_of_scope_and_answered_with_an_error(split: str) -> None:
    examples = golden("ticket_priority").splits[split]
    assert sum("error" in example.expected for example in examples) / len(examples) >= 0.05
    assert all("error" in example.expected for example in tagged(examples, "out_of_scope"))


@labelled_splits
def test_no_ticket_reason_is_shorter_or_longer_than_the_rubric_says(split: str) -> None:
    for example in labelled("ticket_priority", split):
        assert 5 <= len(str(example.expected["reason"]).split()) <= 14, example.id


# -- news_metadata --------------------------------------------------------------------------------------


@shown_splits
def test_items_with_no_company_with_several_sponsored_and_merged_ones_are_there(split: str) -> None:
    examples = golden("news_metadata").splits[split]
    assert 0.25 <= share(examples, "no_company") <= 0.45
    assert share(examples, "several_companies") >= 0.05
    assert share(examples, "sponsored") >= 0.05
    assert share(examples, "merged") >= 0.05


@labelled_splits
def test_insights_companies_and_tags_fit_the_score(split: str) -> None:
    for example in labelled("news_metadata", split):
        score, names, insights = (
            example.expected[field] for field in ("relevance_score", "company_names", "key_insights")
        )
        clauses = 0 if score == 1 else 1 if score <= 4 else 2 if score <= 7 else 3
        assert len(insights) == (max(clauses, 2) if "merged" in example.tags else clauses), example.id
        assert ("no_company" in example.tags) == (not names), example.id
        assert ("several_companies" in example.tags) == (len(names) > 1), example.id
        assert "sponsored" not in example.tags or score <= 2, example.id
        assert all(name in f"{example.input['title']} {example.input['text']}" for name in names), example.id
