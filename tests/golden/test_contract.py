"""A wrong task.toml is told as data: the file, the key, and the name that was likely meant."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from jsonschema import Draft202012Validator
from wrong_files import Mistake, as_data, fields_without_description

from evalkit.errors import GoldenError
from evalkit.golden.contract import Contract
from evalkit.golden.loader import find_tasks

if TYPE_CHECKING:
    from conftest import MiniProject

ROOT = Path(__file__).parents[2]
SOUND = """
[prompt]
system = "Say the mood as JSON."
user = "Text: {{ text | json }}"
[scores.mood]
scorer = "exact"
[primary]
score = "mood"
"""

MISTAKES = {
    "a number for a text": Mistake("title = 3\n" + SOUND, "title", "title is 3, expected a text"),
    "a misspelt section": Mistake(
        SOUND.replace("[prompt]", "[prompts]"), "prompts", "unknown section 'prompts'. Did you mean 'prompt'?", "prompt"
    ),
    "a missing section": Mistake(SOUND[: SOUND.index("[primary]")], "primary", "[primary] is missing: the task's most"),
    "a missing key": Mistake(
        SOUND.replace('system = "Say the mood as JSON."', ""), "prompt.system", "[prompt] system is missing: the system"
    ),
    "a misspelt key": Mistake(
        SOUND + "[decoding]\nmax_token = 3", "decoding.max_token", "unknown key 'max_token'", "max_tokens"
    ),
    "a text for a number": Mistake(
        SOUND + "[decoding]\nmax_tokens = '3'", "decoding.max_tokens", "is '3', expected a whole number, 1 or more"
    ),
    "no tokens": Mistake(
        SOUND + "[decoding]\nmax_tokens = 0", "decoding.max_tokens", "is 0, expected a whole number, 1 or more"
    ),
    "a truth for a number": Mistake(
        SOUND + "[decoding]\nseed = true", "decoding.seed", "seed is true, expected a whole number, 0 or more"
    ),
    "a tail that is none": Mistake(
        SOUND + "[decoding]\ntail = 'x'",
        "decoding.tail",
        "tail is 'x', expected a whole number of tokens, 0 or",
    ),
    "no number": Mistake(
        SOUND + "[decoding]\ntemperature = nan", "decoding.temperature", "is nan, expected a number, 0 or more"
    ),
    "a penalty of nothing": Mistake(
        SOUND + "[decoding]\nrepeat_penalty = 0", "decoding.repeat_penalty", "is 0, expected a number above 0"
    ),
    "a text for a list": Mistake(
        SOUND + "[input]\nrequired = 'text'", "input.required", "is 'text', expected a list of field names"
    ),
    "a score without a scorer": Mistake(
        SOUND + "[scores.strength]\ntolerance = 1", "scores.strength.scorer", "[scores.strength] scorer is missing"
    ),
    "a scorer that is no name": Mistake(
        SOUND + "[scores.a]\nscorer = 3", "scores.a.scorer", "[scores.a] scorer is 3, expected a name"
    ),
    "an unknown scorer": Mistake(
        SOUND.replace('"exact"', '"exakt"'), "scores.mood", "[scores.mood] unknown scorer 'exakt'", "exact"
    ),
    "anchors of what is no number field": Mistake(
        SOUND + "[scores.other]\nfield = 'mood'\nscorer = 'exact'\nanchors = [0, 1]",
        "scores.other",
        "'anchors' are values of a number field",
    ),
    "a name that is taken": Mistake(SOUND + "[scores.strict]\nscorer = 'bool'", "scores.strict", "choose another name"),
    "a primary score that is none": Mistake(
        SOUND.replace('score = "mood"', 'score = "mod"'), "primary", "[primary] unknown score 'mod'", "mood"
    ),
    "a threshold of no score": Mistake(
        SOUND + "[thresholds]\nstricd = 1", "thresholds", "[thresholds] unknown score 'stricd'", "strict"
    ),
    "a threshold above all": Mistake(
        SOUND + "[thresholds]\nstrict = 80", "thresholds.strict", "strict is 80, expected a rate from 0 to 1"
    ),
    "a threshold of no split": Mistake(
        SOUND + "[thresholds.tset]\nstrict = 1", "thresholds", "[thresholds] unknown split 'tset'", "test"
    ),
    "a threshold of no tag": Mistake(
        SOUND + "[thresholds.where.lone]\nstrict = 1", "thresholds.where", "[thresholds.where] unknown tag 'lone'"
    ),
    "a threshold of a slice without its tag": Mistake(
        SOUND + "[thresholds.where]\nstrict = 1", "thresholds.where", "has rates, expected tables named after tags"
    ),
    "a table of a split that has tables": Mistake(
        SOUND + "[thresholds.test.lone]\nstrict = 1",
        "thresholds.test.lone",
        "is a table; those of slices are in [thresholds.where]",
    ),
    "thresholds that are no table": Mistake(
        "thresholds = 1\n" + SOUND, "thresholds", "[thresholds] is 1, expected a table"
    ),
    "hypotheses that are no list": Mistake(
        SOUND + "[hypotheses]\nkind = 'win'", "hypotheses", "expected tables headed [[hypotheses]]"
    ),
    "a relation without a change": Mistake(
        SOUND + "[relations.loud]\ninput = 'text'", "relations.loud.relation", "relation is missing: how texts are"
    ),
    "a relation of no example": Mistake(
        SOUND + "[relations.loud]\nrelation = 'case'\nto = 'upper'\ninput = 'text'\nmost = 0",
        "relations.loud.most",
        "most is 0, expected a number of examples, 1 or more",
    ),
    "a waiver without a reason": Mistake(
        SOUND + "[[waivers]]\nlint = 'balance'\nabout = 'x'\n",
        "waivers.1.reason",
        "number 1: reason is missing",
    ),
    "a waiver of no lint": Mistake(
        SOUND + "[[waivers]]\nlint = 'balanse'\nabout = 'x'\nreason = 'y'",
        "waivers.1",
        "[[waivers]] number 1: unknown lint 'balanse'",
        "balance",
    ),
}


@pytest.mark.parametrize(("text", "key", "what", "suggestion"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_told_with_its_file_and_key(
    project: MiniProject, text: str, key: str, what: str, suggestion: str | None
) -> None:
    project.write("golden/mood/task.toml", text)
    with pytest.raises(GoldenError, match="1 problem in") as caught:
        project.task()
    [problem] = caught.value.problems
    assert (problem.where, *as_data(problem)) == ("golden/mood/task.toml", key, suggestion)
    assert what in problem.what


def test_two_mistakes_in_one_file_are_both_told(project: MiniProject) -> None:
    """One of shape and one of names: the second is looked for although the first makes the file unreadable."""
    project.contract("max_tokens = 40", "max_tokens = true")
    project.contract("strict = 0.8", "stricd = 0.8")
    with pytest.raises(GoldenError, match="2 problems") as caught:
        project.task()
    assert [as_data(problem) for problem in caught.value.problems] == [
        ("decoding.max_tokens", None), ("thresholds", "strict"),
    ]  # fmt: skip


def test_what_names_a_score_that_is_misdeclared_is_no_second_mistake(project: MiniProject) -> None:
    project.contract('[scores.mood]\nscorer = "exact"', "[scores.mood]\nscorer = 3")
    with pytest.raises(GoldenError, match="1 problem in") as caught:
        project.task()
    assert [problem.key for problem in caught.value.problems] == ["scores.mood.scorer"]


def test_a_whole_temperature_stays_what_older_answers_were_stored_under(project: MiniProject) -> None:
    project.contract("max_tokens = 40", "max_tokens = 40\ntemperature = 0")
    assert repr(project.task().decoding.temperature) == "0"


def test_every_key_is_described_for_an_editor() -> None:
    assert fields_without_description(Contract) == []


@pytest.mark.parametrize("task", find_tasks(ROOT / "golden"))
def test_every_task_of_this_project_fits_the_schema_for_editors(task: str) -> None:
    table = tomllib.loads((ROOT / "golden" / task / "task.toml").read_text("utf-8"))
    validator = Draft202012Validator(Contract.model_json_schema())
    assert [error.message for error in validator.iter_errors(table)] == []
    assert not validator.is_valid(table | {"title": 3})


def test_only_what_a_task_names_is_imported(project: MiniProject) -> None:
    (project.root / "golden" / "broken").mkdir()
    project.write("golden/broken/task.toml", "title = 3")
    code = (
        "import sys; from pathlib import Path; from evalkit.golden.loader import load_task;"
        "load_task(Path('golden/mood'));"
        "print(*sorted(name for name in sys.modules if name.startswith(('evalkit.scorers.', 'evalkit.golden.'))))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=project.root, capture_output=True, text=True, check=True)
    imported = {name.rpartition(".")[2] for name in done.stdout.split()}
    assert {"exact", "number", "mae"} <= imported
    assert imported.isdisjoint({"set", "sign", "text", "embedding", "grounded", "bool", "swap", "case", "shortcuts"})


def test_the_plugin_alone_does_not_import_pydantic() -> None:
    code = "import sys, evalkit.plugin.hooks, evalkit._internal.toml; print('pydantic' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
