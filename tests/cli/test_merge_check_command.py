"""`evalkit merge-check`: the verdict, the table, and an exit code for a pipeline."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from tiny_weights import Place, folder

from evalkit.cli.main import main


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def merge_check(place: Place, merged: Path, *options: str) -> Result:
    arguments = ["--root", str(place.root), "merge-check", str(place.base), str(place.adapter), str(merged), *options]
    return CliRunner().invoke(main, arguments, catch_exceptions=False)


def test_a_whole_merge_exits_with_0_and_says_so_first(place: Place) -> None:
    result = merge_check(place, folder(place.root / "merged", place.plus()))
    assert result.exit_code == 0
    first, second, *_ = result.output.splitlines()
    assert first == f"whole: {place.root / 'merged'}"
    assert second == "whole: the update is in all 12 layers (100.0% of it survives)."


def test_a_lost_update_exits_with_1_and_shows_the_worst_layers_first(place: Place) -> None:
    merged = place.plus(lambda name: 0.0 if name.endswith("2.mlp.down_proj.weight") else 3.0)
    result = merge_check(place, folder(place.root / "merged", merged))
    assert result.exit_code == 1
    lines = result.output.splitlines()
    assert lines[0].startswith("NOT WHOLE: ")
    assert lines[1] == "layers_left_out: the update is missing in 1 of 12 layers: mlp.down_proj of layer 2."
    assert lines[4].split()[:4] == ["model.layers.2.mlp.down_proj", "lost", "F32", "0"]
    assert lines[-1] == "0 of 11 tensors without an adapter differ from the base"


def test_a_merge_that_can_not_be_judged_whole_is_inconclusive_and_exits_with_1(place: Place) -> None:
    place.add("model.norm.lora_C")
    merged = folder(place.root / "merged", place.plus())
    result = merge_check(place, merged)
    assert result.exit_code == 1
    first, second, *_ = result.output.splitlines()
    assert first == f"INCONCLUSIVE: {merged}"
    assert second.startswith("not_judged: 1 tensor was not judged, so the merge is not known to be whole: norm (")
    told = json.loads(merge_check(place, merged, "--format=json").output)
    assert (told["whole"], [place["tensor"] for place in told["not_judged"]]) == (False, ["model.norm.weight"])


def test_json_has_every_layer_and_tensor(place: Place) -> None:
    result = merge_check(place, place.base, "--format=json")
    assert result.exit_code == 1
    told = json.loads(result.output)
    assert (told["whole"], told["survived"], told["findings"][0]["outcome"]) == (False, 0.0, "not_merged")
    assert (len(told["layers"]), len(told["others"])) == (12, 11)


def test_a_wrong_input_exits_with_4_and_one_message(place: Place) -> None:
    result = merge_check(place, place.root / "none")
    assert result.exit_code == 4
    assert result.output.startswith("evalkit: ")
    assert "none: there is no such folder of safetensors" in result.output
