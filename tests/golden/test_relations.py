"""What must become of an answer when its input is changed: declared by the task, tried without any label."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from mini_project import ALL, IDS, Project, answer, truth
from turned_task import turned_task

from evalkit.golden.model import Task
from evalkit.golden.perturbations import SPLIT, perturbed_examples

if TYPE_CHECKING:
    from conftest import MiniProject


@pytest.fixture
def task(project: MiniProject) -> Task:
    """The mini task, with a sentence for every example and two relations."""
    return turned_task(project)


# -- perturbed examples --------------------------------------------------------------------------------


def test_an_example_that_a_relation_leaves_as_it_is_has_no_perturbed_form(task: Task) -> None:
    known = perturbed_examples(task, "test")
    turned = [one for one in known.values() if one.relation.name == "turned"]
    assert len(turned) == 8  # of 12: every third text has neither word
    assert len([one for one in known.values() if one.relation.name == "loud"]) == 12
    one = known["t-01~turned"]
    assert (one.of.input["text"], one.example.input["text"]) == ("What a good day number 0 was.",
                                                                "What a awful day number 0 was.")  # fmt: skip
    assert (one.example.split, one.example.expected, one.example.must_pass) == (SPLIT, {}, False)


def test_of_many_examples_as_many_are_drawn_as_are_asked_for_and_one_of_a_group(task: Task) -> None:
    few = replace(task, relations={"loud": replace(task.relations["loud"], most=5)})
    assert len(perturbed_examples(few, "test")) == 5
    assert list(perturbed_examples(few, "test")) == list(perturbed_examples(few, "test"))
    one_event = tuple(replace(example, group="one") for example in task.splits["test"])
    assert len(perturbed_examples(replace(few, splits={"test": one_event}), "test")) == 1


def test_an_example_that_expects_an_error_is_not_changed(task: Task) -> None:
    wrong = tuple(replace(example, expected={"error": "no_text"}) for example in task.splits["test"])
    assert perturbed_examples(replace(task, splits={"test": wrong}), "test") == {}


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('relation = "swap"', 'relation = "swop"', "unknown relation 'swop'. Did you mean 'swap'?"),
        ('relation = "swap"', "", 'relation is missing: how texts are changed, as in relation = "swap"'),
        ('input = "text"', "", "input is missing: name the fields that are changed, of text"),
        ('input = "text"', 'input = "title"', "unknown field 'title'"),
        ('negates = "strength"', 'negates = "strenght"', "unknown field 'strenght'. Did you mean 'strength'?"),
        ('negates = "strength"', 'negates = "mood"', "negates has 'mood', which is scored by exact"),
        ('free = ["mood"]', 'free = ["strength"]', "strength is in negates and in another list"),
        ('input = "text"', 'input = "source"', "unknown field 'source'. Known: text. (in input)"),
        ('[["good", "awful"]]', '[["goood", "awfull"]]', "it changes no example of test.jsonl"),
        ('[["good", "awful"]]', '[["good", "awful"], ["Good", "bad"]]', "a word has two others"),
        ('free = ["mood"]', "free = 3", "free is 3, expected a field or a list of fields"),
        ('free = ["mood"]', "most = 0", "most is 0, expected a number of examples"),
        ('[["good", "awful"]]', '[["good"]]', "words is [['good']], expected pairs of texts"),
        ('[["good", "awful"]]', '[["good", "awful"], ["good", "bad"]]', "a word has two others"),
        ('to = "upper"', 'to = "title"', "to is 'title', expected 'upper' or 'lower'"),
        ('to = "upper"', 'to = "upper"\ncase = 1', "unknown option 'case'"),
        ("[relations.turned]", '[relations."a b"]', "a name has letters, digits"),
    ],
)
def test_a_relation_that_can_not_be_tried_is_told_with_its_place(
    project: MiniProject, task: Task, old: str, new: str, told: str
) -> None:
    assert task.relations
    project.contract(old, new)
    (problem,) = project.problems()
    assert problem.startswith("golden/mood/task.toml: [relations.")
    assert told in problem


# -- in a session ---------------------------------------------------------------------------------------

RELATIONS = """
[relations.turned]
relation = "swap"
input = "headline"
words = [["rises", "falls"]]
negates = "direction"
"""

SUITE = """
import pytest


@pytest.mark.golden("moods")
def test_relation(relation):
    assert relation.holds, relation
"""


@pytest.fixture
def suite(suite: Project) -> Project:
    """Twelve headlines that rise or fall. `good` turns with them, but for h02; `bad` never does."""
    moves = {1: "rises", -1: "falls"}
    suite.examples("test", {name: (f"Copper {moves[truth(n)]} in week {n}", truth(n)) for n, name in enumerate(IDS)})
    suite.write("golden/moods/task.toml", (suite.golden / "task.toml").read_text() + RELATIONS)
    right = {name: truth(number) for number, name in enumerate(IDS)}
    turned = {f"{name}~turned": answer(-way) for name, way in right.items()}
    plain = {name: answer(way) for name, way in right.items()}
    also = {"ref-cut": answer(1), "bad-empty": '{"error": "empty"}'}
    suite.answers("good", {**plain, **turned, **also, "h02~turned": plain["h02"]})
    suite.answers("bad", {**plain, **{f"{name}~turned": text for name, text in plain.items()}, **also})
    suite.write("suites/test_relations.py", SUITE)
    return suite


def rates(suite: Project) -> dict[str, tuple[float, int]]:
    (task,) = suite.report()["tasks"]
    return {one["backend"]: (one["rate"]["value"], one["rate"]["n"]) for one in task["relations"]}


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_a_relation_is_a_test_of_each_example_and_a_rate_of_each_model(
    suite: Project, workers: tuple[str, ...]
) -> None:
    result = suite.run("suites/test_relations.py", "--backend=good", "--backend=bad", *workers)
    assert result.ret == 1  # for the verdict: all of the split was asked, and good is not better than bad on it
    result.stdout.fnmatch_lines(["*11 passed, 13 missed*"])
    assert rates(suite) == {"good": (11 / 12, 12), "bad": (0.0, 12)}
    result.stdout.fnmatch_lines(["*turned*91.7 ?*? (n=12)*0.0 ?*? (n=12)*"])
    assert "| turned | 91.7" in (suite.root / "reports" / "latest.md").read_text()


def test_what_stayed_unanswered_is_told_and_not_counted(suite: Project) -> None:
    lines = [json.loads(line) for line in (suite.root / "answers" / "good.jsonl").read_text().splitlines()]
    suite.answers("good", {line["id"]: line["text"] for line in lines if line["id"] != "h04~turned"})
    result = suite.run("suites/test_relations.py", "--backend=good")
    assert result.ret == 1
    assert rates(suite) == {"good": (10 / 11, 11)}
    result.stdout.fnmatch_lines(["*(n=11, 1 unanswered)*"])
    result.stdout.fnmatch_lines(["*did not answer h04~turned*"])


def test_who_runs_no_relation_asks_for_no_perturbed_example(suite: Project) -> None:
    suite.run("suites/test_moods.py", "--backend=good")
    assert sorted(suite.stored()) == sorted([*ALL, *IDS])  # the rival that is declared of it has the test split too
    assert rates(suite) == {}


def test_a_whole_run_asks_the_perturbed_examples_once_and_judges_as_without_them(suite: Project) -> None:
    suite.run("suites/test_moods.py", "--backend=good")
    (alone,) = suite.report()["tasks"]
    suite.run("suites", "--backend=good")
    (both,) = suite.report()["tasks"]
    assert [run["rates"] for run in both["model_runs"]] == [run["rates"] for run in alone["model_runs"]]
    assert both["verdicts"] == alone["verdicts"]
    assert sorted(suite.stored()) == sorted([*ALL, *IDS, *(f"{name}~turned" for name in IDS)])


def test_a_miss_says_what_was_asked_and_what_was_expected(suite: Project) -> None:
    result = suite.run("suites/test_relations.py", "--backend=good", "--strict-examples")
    assert result.ret == 1
    told = (
        "turned does not hold for good on h02~turned: direction was -1 and is -1, expected 1. Asked: headline 'Copper"
    )
    result.stdout.fnmatch_lines([f"*{told}*"])


# -- the smallest form ----------------------------------------------------------------------------------


def shrunk(suite: Project, *args: str) -> pytest.RunResult:
    return suite.pytester.run(sys.executable, "-m", "evalkit.cli.main", "shrink", *args)


def test_the_command_shows_the_smallest_question_and_both_answers(suite: Project) -> None:
    result = shrunk(suite, "moods", "h03~turned", "--backend=clerk")  # who says 1 to everything
    assert result.ret == 0
    result.stdout.fnmatch_lines(
        ['*Before, asked {"headline": "rises"}:', '*{"direction": 1, *', "After, asked *falls*"]
    )
    first = suite.asked()
    assert shrunk(suite, "moods", "h03~turned", "--backend=clerk").ret == 0
    assert suite.asked() == first  # what is stored is not asked again


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (("moods", "h99~turned", "--backend=clerk"), "unknown perturbed example 'h99~turned'"),
        (("moods", "h03~turned", "--backend=good"), "good: answers that were recorded are to these examples only"),
        (("moods", "h03~turned", "--backend=dying", "--budget=1"), "a budget of 1 answer:"),
        (("mood", "h03~turned", "--backend=clerk"), "unknown task 'mood'"),
    ],
)
def test_what_can_not_be_shrunk_is_told_plainly(suite: Project, args: tuple[str, ...], told: str) -> None:
    result = shrunk(suite, *args)
    assert result.ret == 4
    result.stderr.fnmatch_lines([f"evalkit: *{told}*"])
