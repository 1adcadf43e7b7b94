"""merge-check on real weights: the right merge is clean, and each wrong one is named for what it is.

The weights are two layers cut out of the real base and adapter, whole matrices as they are; whole models, half a
gigabyte each, have their night.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from evalkit.models.weights.merge_check import MergeReport, check_merge
from fixtures.convert import float_base
from fixtures.merge import merge, merge_4bit
from fixtures.train import adapter_folder


@dataclass(frozen=True)
class Pair:
    """A base with an adapter of it that updates so many projections, and a place to merge them at."""

    base: Path
    adapter: Path
    layers: int
    place: Path


def whole_pair(place: Path) -> Pair:
    return Pair(float_base(), adapter_folder("market_direction"), 105, place)


def cut_pair(place: Path) -> Pair:
    """The first two layers that the adapter updates, and the first 2,048 tokens of the vocabulary."""
    from safetensors.torch import load_file, save_file

    whole = whole_pair(place)
    updated = load_file(whole.adapter / "adapter_model.safetensors")
    numbers = sorted({int(match[1]) for name in updated if (match := re.search(r"layers\.(\d+)\.", name))})[:2]
    base, adapter = place / "base", place / "adapter"

    def cut(name: str) -> str | None:
        """The name that a tensor has in the cut, None where it is cut away."""
        match = re.search(r"layers\.(\d+)\.", name)
        if match is None:
            return name
        number = int(match[1])
        return name.replace(match[0], f"layers.{numbers.index(number)}.") if number in numbers else None

    for source, target, file in (
        (whole.base, base, "model.safetensors"),
        (whole.adapter, adapter, "adapter_model.safetensors"),
    ):
        target.mkdir()
        kept = {new: tensor for name, tensor in load_file(source / file).items() if (new := cut(name)) is not None}
        shorter = {name: t[:2048].clone() if "embed_tokens" in name else t for name, t in kept.items()}
        save_file(shorter, target / file, {"format": "pt"})
    for name in ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja"):
        shutil.copy(whole.base / name, base)
    config = json.loads((whole.base / "config.json").read_text())
    smaller = {"num_hidden_layers": 2, "vocab_size": 2048}
    (base / "config.json").write_text(json.dumps({**config, **smaller, "layer_types": ["full_attention"] * 2}))
    stated = json.loads((whole.adapter / "adapter_config.json").read_text())
    (adapter / "adapter_config.json").write_text(json.dumps({**stated, "layers_to_transform": [0, 1]}))
    return Pair(base, adapter, 14, place)


def right(pair: Pair) -> Path:
    return merge(pair.adapter, pair.place / "merged", base=pair.base)


def none(pair: Pair) -> Path:
    return pair.base


def half(pair: Pair) -> Path:
    """The adapter as one merges it who takes alpha for half of what it is."""
    copy = Path(shutil.copytree(pair.adapter, pair.place / "halved"))
    config = json.loads((copy / "adapter_config.json").read_text())
    (copy / "adapter_config.json").write_text(json.dumps(config | {"lora_alpha": config["lora_alpha"] / 2}))
    return merge(copy, pair.place / "merged", base=pair.base)


def double(pair: Pair) -> Path:
    once = merge(pair.adapter, pair.place / "once", base=pair.base)
    return merge(pair.adapter, pair.place / "merged", base=once)


def other_base(pair: Pair) -> Path:
    """Merged into a base whose every norm and matrix is a little off: a fine-tune of the one that was meant."""
    from safetensors.torch import load_file, save_file

    other = Path(shutil.copytree(pair.base, pair.place / "other"))
    weights = load_file(other / "model.safetensors")
    save_file({name: tensor * 1.001 for name, tensor in weights.items()}, other / "model.safetensors", {"format": "pt"})
    return merge(pair.adapter, pair.place / "merged", base=other)


def four_bits(pair: Pair) -> Path:
    return merge_4bit(pair.adapter, pair.place / "merged", base=pair.base)


MERGES = [
    (right, "whole", "the update is in all {} layers (100.0% of it"),
    (none, "not_merged", "none of the update is in any of the {} layers"),
    (half, "wrong_scale", "the update is there 0.5 times in all {} layers"),
    (double, "merged_twice", "the update is there twice in all {} layers"),
    (other_base, "another_base", "tensors that no adapter touches differ from the base"),
    (four_bits, "quantized_weights", "merged into quantized weights"),
]
NAMES = [made.__name__ for made, *_ in MERGES]


def checked(made: Callable[[Pair], Path], pair: Pair) -> MergeReport:
    try:
        return check_merge(pair.base, pair.adapter, made(pair))
    finally:
        shutil.rmtree(pair.place)  # half a gigabyte each, where they are whole


def assert_named(made: Callable[[Pair], Path], pair: Pair, outcome: str, said: str) -> None:
    report = checked(made, pair)
    assert report.findings[0].outcome == outcome
    assert said.format(pair.layers) in report.findings[0].sentence
    assert report.whole is (outcome == "whole")


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "place").mkdir()
    return tmp_path / "place"


@pytest.mark.real
@pytest.mark.parametrize(("made", "outcome", "said"), MERGES[1:], ids=NAMES[1:])
def test_each_merge_of_two_layers_is_named_for_what_it_is(
    made: Callable[[Pair], Path], outcome: str, said: str, place: Path
) -> None:
    assert_named(made, cut_pair(place), outcome, said)


@pytest.mark.real
def test_the_right_merge_of_a_whole_model_is_clean(place: Path) -> None:
    assert_named(*MERGES[0][:1], whole_pair(place), *MERGES[0][1:])


@pytest.mark.nightly
@pytest.mark.parametrize(("made", "outcome", "said"), MERGES, ids=NAMES)
def test_each_merge_of_a_whole_model_is_named_for_what_it_is(
    made: Callable[[Pair], Path], outcome: str, said: str, place: Path
) -> None:
    assert_named(made, whole_pair(place), outcome, said)
