"""What must become of an answer when its input is changed: declared by the task, tried without any label."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from mini_project import ALL, IDS, Project, answer, truth

from evalkit.errors import ConfigError
from evalkit.golden.model import Example, Task
from evalkit.golden.perturbations import SPLIT, Perturbed, variants
from evalkit.judging.answer import Answer, Grader, averaged
from evalkit.judging.minimize import shrink
from evalkit.judging.relation_check import held
from evalkit.judging.relation_check import rates as rates_of
from evalkit.judging.wording import relation_break
from evalkit.models.backend import Completion
from evalkit.models.request import render

if TYPE_CHECKING:
    from conftest import MiniProject

TURNED = """
[relations.turned]
relation = "swap"
input = "text"
words = [["good", "awful"]]
negates = "strength"
free = ["mood"]

[relations.loud]
relation = "case"
input = ["text"]
to = "upper"
"""


@pytest.fixture
def task(project: MiniProject) -> Task:
    """The mini task, with a sentence for every example and two relations."""
    words = ["good", "awful", "plain"]
    lines = [json.loads(line) for line in (project.folder / "test.jsonl").read_text().splitlines()]
    for number, line in enumerate(lines):
        line["input"]["text"] = f"What a {words[number % 3]} day number {number} was."
    project.split("test", lines)
    project.change("golden/mood/schema.json", '"minimum": 0', '"minimum": -1')
    project.write("golden/mood/task.toml", (project.folder / "task.toml").read_text() + TURNED)
    return project.task()


def answered(task: Task, example: Example, value: Mapping[str, Any] | str) -> Answer:
    text = value if isinstance(value, str) else json.dumps(value)
    return Grader(task).grade("tuned", example, render(task, example), Completion(text, "stop"))


def found(task: Task, name: str, before: Mapping[str, Any] | str, after: Mapping[str, Any] | str) -> tuple[str, ...]:
    variant = variants(task, "test")[name]
    one = held(task, "tuned", variant, answered(task, variant.of, before), answered(task, variant.example, after))
    return tuple(relation_break(item) for item in one.why)


# -- variants -------------------------------------------------------------------------------------------


def test_an_example_that_a_relation_leaves_as_it_is_has_no_variant(task: Task) -> None:
    known = variants(task, "test")
    turned = [one for one in known.values() if one.relation.name == "turned"]
    assert len(turned) == 8  # of 12: every third text has neither word
    assert len([one for one in known.values() if one.relation.name == "loud"]) == 12
    one = known["t-01~turned"]
    assert (one.of.input["text"], one.example.input["text"]) == ("What a good day number 0 was.",
                                                                "What a awful day number 0 was.")  # fmt: skip
    assert (one.example.split, one.example.expected, one.example.must_pass) == (SPLIT, {}, False)


def test_of_many_examples_as_many_are_drawn_as_are_asked_for_and_one_of_a_group(task: Task) -> None:
    few = replace(task, relations={"loud": replace(task.relations["loud"], most=5)})
    assert len(variants(few, "test")) == 5
    assert list(variants(few, "test")) == list(variants(few, "test"))
    one_event = tuple(replace(example, group="one") for example in task.splits["test"])
    assert len(variants(replace(few, splits={"test": one_event}), "test")) == 1


def test_an_example_that_expects_an_error_is_not_changed(task: Task) -> None:
    wrong = tuple(replace(example, expected={"error": "no_text"}) for example in task.splits["test"])
    assert variants(replace(task, splits={"test": wrong}), "test") == {}


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


# -- what holds -----------------------------------------------------------------------------------------


def test_what_a_relation_negates_must_turn_and_what_it_leaves_free_may(task: Task) -> None:
    before = {"mood": "good", "strength": 0.5}
    assert found(task, "t-01~turned", before, {"mood": "bad", "strength": -0.5}) == ()
    assert found(task, "t-01~turned", before, before) == ("strength was 0.5 and is 0.5, expected -0.5",)
    assert found(task, "t-01~turned", {"mood": "good", "strength": 0}, {"mood": "good", "strength": 0.1}) == ()


def test_every_other_field_stays_within_what_its_scorer_takes_for_right(task: Task) -> None:
    before = {"mood": "good", "strength": 0.5}
    assert found(task, "t-01~loud", before, {"mood": "good", "strength": 0.65}) == ()  # 0.2 is the tolerance
    assert found(task, "t-01~loud", before, {"mood": "good", "strength": 0.9}) == (
        "strength was 0.5 and is 0.9, expected 0.5",
    )
    assert found(task, "t-01~loud", before, {"error": "no_text"}) == (
        "mood was there before", "strength was there before", "error was not there before",
    )  # fmt: skip


def test_an_answer_that_was_strict_must_stay_so(task: Task) -> None:
    before = {"mood": "good", "strength": 0.5}
    loose = f"I think: {json.dumps(before)}"
    (why,) = found(task, "t-01~loud", before, loose)
    assert why.startswith("the answer to t-01~loud is not strict: ")
    assert found(task, "t-01~loud", loose, loose) == ()


def test_who_refuses_everything_holds_nothing(task: Task) -> None:
    """No example that is changed expects an error."""
    error = {"error": "no_text"}
    assert found(task, "t-01~loud", error, error) == ("the answer to t-01 is an error: 'no_text'",)


def test_what_is_its_own_opposite_is_not_counted(task: Task) -> None:
    """Who always says 0 can't be caught, and is not praised."""
    variant, still = variants(task, "test")["t-01~turned"], {"mood": "good", "strength": 0}
    one = held(task, "tuned", variant, *(answered(task, each, still) for each in (variant.of, variant.example)))
    assert (one.holds, one.moot) == (True, True)
    assert rates_of(task, "tuned", [(variant, one)]) == []
    moved = held(
        task,
        "tuned",
        variant,
        answered(task, variant.of, still),
        answered(task, variant.example, {"mood": "good", "strength": 0.9}),
    )
    assert (moved.holds, moved.moot) == (False, False)


def test_of_several_samples_each_must_hold_with_its_own(task: Task) -> None:
    """Not the weakest by the label with any: no label decides here."""
    variant = variants(task, "test")["t-01~loud"]
    weak, strong = {"mood": "good", "strength": 0.1}, {"mood": "good", "strength": 0.9}
    before = averaged([answered(task, variant.of, one) for one in (weak, strong)])
    same = averaged([answered(task, variant.example, one) for one in (weak, strong)])
    other = averaged([answered(task, variant.example, one) for one in (strong, strong)])
    assert held(task, "tuned", variant, before, same).holds
    assert [item.field for item in held(task, "tuned", variant, before, other).why] == ["strength"]


def test_a_value_that_no_label_may_have_is_like_itself_alone(project: MiniProject, task: Task) -> None:
    """A schema may let a model answer null, and a scorer refuse to expect it."""
    project.change("golden/mood/schema.json", '"type": "number"', '"type": ["number", "null"]')
    loose, null, number = project.task(), {"mood": "good", "strength": None}, {"mood": "good", "strength": 0.5}
    assert task.relations
    assert found(loose, "t-01~loud", null, null) == ()
    assert found(loose, "t-01~loud", null, number) == ("strength was None and is 0.5, expected None",)
    assert found(loose, "t-01~loud", number, null) == ("strength was 0.5 and is None, expected 0.5",)


@pytest.mark.parametrize("unread", [0, 1])
def test_an_answer_that_can_not_be_read_holds_nothing(task: Task, unread: int) -> None:
    texts: list[Mapping[str, Any] | str] = [{"mood": "good", "strength": 0.5}, {"mood": "good", "strength": 0.5}]
    texts[unread] = "What a mood!"
    name = ("t-01", "t-01~loud")[unread]
    assert found(task, "t-01~loud", *texts) == (f"the answer to {name} can't be read",)


@pytest.mark.usefixtures("task")
def test_what_follows_a_change_changes_with_it(project: MiniProject) -> None:
    project.name_people()
    project.write(
        "golden/mood/task.toml",
        (project.folder / "task.toml").read_text()
        + '[relations.renamed]\nrelation = "replace"\ninput = "text"\nwords = [["good", "Zed"], ["Ann", "Zoe"]]\n'
        'follows = "names"\n',
    )
    named = project.task()
    before = {"mood": "good", "strength": 0.5, "names": ["Ann", "Bo"]}
    assert found(named, "t-01~renamed", before, before | {"names": ["Zoe", "Bo"]}) == ()
    (why,) = found(named, "t-01~renamed", before, before)
    assert why == "names was ['Ann', 'Bo'] and is ['Ann', 'Bo'], expected ['Zoe', 'Bo']"


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


def test_who_runs_no_relation_asks_for_no_variant(suite: Project) -> None:
    suite.run("suites/test_moods.py", "--backend=good")
    assert sorted(suite.stored()) == sorted(ALL)
    assert rates(suite) == {}


def test_a_whole_run_asks_the_variants_once_and_judges_as_without_them(suite: Project) -> None:
    suite.run("suites/test_moods.py", "--backend=good")
    (alone,) = suite.report()["tasks"]
    suite.run("suites", "--backend=good")
    (both,) = suite.report()["tasks"]
    assert [column["rates"] for column in both["model_runs"]] == [column["rates"] for column in alone["model_runs"]]
    assert both["verdicts"] == alone["verdicts"]
    assert sorted(suite.stored()) == sorted([*ALL, *(f"{name}~turned" for name in IDS)])


def test_a_miss_says_what_was_asked_and_what_was_expected(suite: Project) -> None:
    result = suite.run("suites/test_relations.py", "--backend=good", "--strict-examples")
    assert result.ret == 1
    told = (
        "turned does not hold for good on h02~turned: direction was -1 and is -1, expected 1. Asked: headline 'Copper"
    )
    result.stdout.fnmatch_lines([f"*{told}*"])


# -- the smallest form ----------------------------------------------------------------------------------


def stubborn(task: Task, asked: list[str]) -> Any:
    """A model that hears of strength only from the word "day", and then says always the same."""

    def ask(example: Example) -> Answer:
        asked.append(example.input["text"])
        return answered(task, example, {"mood": "good", "strength": 0.5 if "day" in example.input["text"] else 0})

    return ask


def test_what_makes_no_difference_is_left_away(task: Task) -> None:
    asked: list[str] = []
    found = shrink(task, "tuned", variants(task, "test")["t-01~turned"], stubborn(task, asked), budget=80)
    assert found.variant.of.input["text"] == "good day"
    assert found.variant.example.input["text"] == "awful day"
    assert not found.held.holds
    assert found.asked == len(asked) == len(set(asked)) <= 80
    assert not found.unfinished


@pytest.mark.parametrize("budget", [2, 7])
def test_a_budget_is_kept_and_what_is_left_undone_is_said(task: Task, budget: int) -> None:
    asked: list[str] = []
    found = shrink(task, "tuned", variants(task, "test")["t-01~turned"], stubborn(task, asked), budget)
    assert found.asked == len(asked) <= budget
    assert found.unfinished
    assert not found.held.holds


def test_another_failure_is_no_smaller_form_of_this_one(task: Task) -> None:
    """Of a short text this model says that it is none: that is broken too, and is not what was looked for."""

    def ask(example: Example) -> Answer:
        short = len(example.input["text"].split()) < 4
        return answered(task, example, {"error": "no_text"} if short else {"mood": "good", "strength": 0.5})

    found = shrink(task, "tuned", variants(task, "test")["t-01~turned"], ask, budget=80)
    assert len(found.variant.of.input["text"].split()) == 4
    assert [item.field for item in found.held.why] == ["strength"]


def test_where_a_relation_holds_there_is_nothing_to_shrink(task: Task) -> None:
    def ask(example: Example) -> Answer:
        return answered(task, example, {"mood": "good", "strength": 0.5})

    variant: Perturbed = variants(task, "test")["t-01~loud"]
    with pytest.raises(ConfigError, match="loud holds for tuned on t-01~loud: there is nothing to shrink"):
        shrink(task, "tuned", variant, ask, budget=10)
    with pytest.raises(ConfigError, match="a budget of 1 answers: expected 2 or more"):
        shrink(task, "tuned", variant, ask, budget=1)


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
        (("moods", "h99~turned", "--backend=clerk"), "unknown variant 'h99~turned'"),
        (("moods", "h03~turned", "--backend=good"), "good: answers that were recorded are to these examples only"),
        (("moods", "h03~turned", "--backend=dying", "--budget=1"), "a budget of 1 answers"),
        (("mood", "h03~turned", "--backend=clerk"), "unknown task 'mood'"),
    ],
)
def test_what_can_not_be_shrunk_is_told_plainly(suite: Project, args: tuple[str, ...], told: str) -> None:
    result = shrunk(suite, *args)
    assert result.ret == 4
    result.stderr.fnmatch_lines([f"evalkit: *{told}*"])
