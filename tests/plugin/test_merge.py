"""A test of a merge: from the weights, by what pyproject.toml says a model was made from, and no model is run."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from mini_project import PYPROJECT, Project
from tiny_weights import Place, folder

from evalkit.models.config import read_config
from evalkit.models.weights.parents import Parents, parents_of

ALIASES = """
tuned = "hf:small+weights/adapter"
merged = { spec = "hf:weights/{task}", parent = "tuned" }
rounded = { spec = "gguf:weights/{task}.gguf", parent = "merged" }
lost = { spec = "hf:weights/lost", parent = "tuned" }
in-llama = "gguf:small+weights/adapter"
from-llama = { spec = "hf:weights/{task}", parent = "in-llama" }
of-a-file = "gguf:base.gguf+weights/adapter"
from-a-file = { spec = "hf:weights/{task}", parent = "of-a-file" }
orphan = "hf:weights/{task}"
served = { spec = "ollama:{task}", parent = "merged" }
[tool.evalkit.models.small]
hf = "weights/base"
[tool.evalkit.lineage.moods]
rungs = ["tuned", "merged", "lost"]
"""
SUITE = """
import pytest

pytestmark = pytest.mark.golden("moods")


def test_merge(merge):
    assert merge.whole, merge
"""


@pytest.fixture
def suite(suite: Project) -> Project:
    place = Place(suite.root / "weights")
    folder(suite.root / "weights" / "moods", place.plus())
    folder(suite.root / "weights" / "lost", place.before)
    suite.write("pyproject.toml", PYPROJECT + ALIASES)
    suite.write("suites/test_merge.py", SUITE)
    (suite.root / "suites" / "test_moods.py").unlink()
    return suite


def test_a_merge_is_known_by_the_nearest_parent_that_has_an_adapter(suite: Project) -> None:
    config = read_config(suite.root)
    weights = suite.root / "weights"
    whole = Parents(weights / "base", weights / "adapter", weights / "moods")
    stated = [name for name, alias in config.aliases.items() if "weights" in alias.spec or name == "served"]
    assert {name: parents_of(config, name, "moods") for name in stated} == {
        "tuned": None, "in-llama": None, "of-a-file": None, "orphan": None, "served": None, "from-a-file": None,
        "merged": whole, "from-llama": whole,
        "rounded": Parents(whole.base, whole.adapter, weights / "moods.gguf"),
        "lost": Parents(whole.base, whole.adapter, weights / "lost"),
    }  # fmt: skip


def test_a_whole_merge_passes_and_a_lost_one_fails_by_name(suite: Project) -> None:
    result = suite.run("suites", "--backend=merged", "--backend=lost")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*lost: not_merged: none of the update is in any of the 12 layers*"])
    assert result.ret == 1
    assert not suite.stored()


def test_a_merge_of_which_a_tensor_was_not_judged_does_not_pass(suite: Project) -> None:
    place = Place(suite.root / "weights" / "judged")
    place.add("model.norm.lora_C")
    shutil.copytree(place.adapter, suite.root / "weights" / "adapter", dirs_exist_ok=True)
    result = suite.run("suites", "--backend=merged")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*norm (merge-check can't follow the adapter's tensor model.norm*"])


def test_the_rungs_of_a_lineage_are_checked_too(suite: Project) -> None:
    result = suite.run("suites", "--lineage=moods", "--collect-only", "-q")
    result.stdout.fnmatch_lines(["*test_merge[[]lost]", "*test_merge[[]merged]"])


def test_without_a_merge_among_the_models_the_test_is_left_out_and_not_skipped(suite: Project) -> None:
    suite.run("suites", "--backend=tuned").assert_outcomes(deselected=1)


def test_weights_that_can_no_longer_be_read_are_an_error_without_a_traceback(suite: Project) -> None:
    config = Path(suite.root, "weights", "adapter", "adapter_config.json")
    config.write_text(config.read_text().replace("LORA", "BONE"))
    result = suite.run("suites", "--backend=merged")
    result.assert_outcomes(errors=1)
    result.stdout.no_fnmatch_line("*Traceback*")
    result.stdout.fnmatch_lines(["*adapter_config.json*BONE*"])
