"""merge-check on real weights: the right merge is clean, and each wrong one is named for what it is."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from evalkit.models.weights.merge_check import MergeReport, check_merge
from fixtures.convert import float_base
from fixtures.merge import merge, merge_4bit
from fixtures.train import adapter_folder

pytestmark = pytest.mark.real

ADAPTER = adapter_folder("market_direction")


def halved(place: Path) -> Path:
    """The adapter as one merges it who takes alpha for half of what it is."""
    copy = Path(shutil.copytree(ADAPTER, place / "halved"))
    config = json.loads((copy / "adapter_config.json").read_text())
    (copy / "adapter_config.json").write_text(json.dumps(config | {"lora_alpha": config["lora_alpha"] / 2}))
    return merge(copy, place / "merged")


def twice(place: Path) -> Path:
    return merge(ADAPTER, place / "merged", base=merge(ADAPTER, place / "once"))


def tuned_further(place: Path) -> Path:
    """Merged into a base whose every norm and matrix is a little off: a fine-tune of the one that was meant."""
    from safetensors.torch import load_file, save_file

    other = Path(shutil.copytree(float_base(), place / "other"))
    weights = load_file(other / "model.safetensors")
    save_file({name: tensor * 1.001 for name, tensor in weights.items()}, other / "model.safetensors", {"format": "pt"})
    return merge(ADAPTER, place / "merged", base=other)


def checked(made: Callable[[Path], Path], place: Path) -> MergeReport:
    try:
        return check_merge(float_base(), ADAPTER, made(place))
    finally:
        shutil.rmtree(place)  # half a gigabyte each


@pytest.mark.parametrize(
    ("made", "outcome", "said"),
    [
        (lambda place: merge(ADAPTER, place / "merged"), "whole", "the update is in all 105 layers (100.0% of it"),
        (lambda _: float_base(), "not_merged", "none of the update is in any of the 105 layers"),
        (halved, "wrong_scale", "the update is there 0.5 times in all 105 layers"),
        (twice, "merged_twice", "the update is there twice in all layers"),
        (tuned_further, "another_base", "tensors that no adapter touches differ from the base"),
        (lambda place: merge_4bit(ADAPTER, place / "merged"), "quantized_weights", "merged into quantized weights"),
    ],
    ids=["right", "none", "half", "double", "other-base", "4bit"],
)
def test_each_merge_is_named_for_what_it_is(
    made: Callable[[Path], Path], outcome: str, said: str, tmp_path: Path
) -> None:
    place = tmp_path / "place"
    place.mkdir()
    report = checked(made, place)
    assert report.findings[0].outcome == outcome
    assert said in report.findings[0].sentence
    assert report.whole is (outcome == "whole")
