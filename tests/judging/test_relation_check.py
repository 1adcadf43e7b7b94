"""Whether what is answered to a changed input is what the answer to the input as it was foretells."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from turned_task import answered, turned_task

from evalkit.golden.model import Task
from evalkit.golden.perturbations import perturbed_examples
from evalkit.judging.answer import averaged
from evalkit.judging.relation_check import held
from evalkit.judging.relation_check import rates as rates_of
from evalkit.judging.wording import relation_break

if TYPE_CHECKING:
    from conftest import MiniProject


@pytest.fixture
def task(project: MiniProject) -> Task:
    """The mini task, with a sentence for every example and two relations."""
    return turned_task(project)


def found(task: Task, name: str, before: Mapping[str, Any] | str, after: Mapping[str, Any] | str) -> tuple[str, ...]:
    perturbed = perturbed_examples(task, "test")[name]
    one = held(task, "tuned", perturbed, answered(task, perturbed.of, before), answered(task, perturbed.example, after))
    return tuple(relation_break(item) for item in one.why)


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
    perturbed, still = perturbed_examples(task, "test")["t-01~turned"], {"mood": "good", "strength": 0}
    one = held(task, "tuned", perturbed, *(answered(task, each, still) for each in (perturbed.of, perturbed.example)))
    assert (one.holds, one.moot) == (True, True)
    assert rates_of(task, "tuned", [(perturbed, one)]) == []
    moved = held(
        task,
        "tuned",
        perturbed,
        answered(task, perturbed.of, still),
        answered(task, perturbed.example, {"mood": "good", "strength": 0.9}),
    )
    assert (moved.holds, moved.moot) == (False, False)


def test_of_several_samples_each_must_hold_with_its_own(task: Task) -> None:
    """Not the weakest by the label with any: no label decides here."""
    perturbed = perturbed_examples(task, "test")["t-01~loud"]
    weak, strong = {"mood": "good", "strength": 0.1}, {"mood": "good", "strength": 0.9}
    before = averaged([answered(task, perturbed.of, one) for one in (weak, strong)])
    same = averaged([answered(task, perturbed.example, one) for one in (weak, strong)])
    other = averaged([answered(task, perturbed.example, one) for one in (strong, strong)])
    assert held(task, "tuned", perturbed, before, same).holds
    assert [item.field for item in held(task, "tuned", perturbed, before, other).why] == ["strength"]


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


def test_a_null_is_its_own_opposite_and_no_other_value(task: Task) -> None:
    perturbed = perturbed_examples(task, "test")["t-01~turned"]
    null = answered(loose(task), perturbed.of, {"mood": "good", "strength": None})
    for strength, results in ((None, (True, True)), (0.5, (False, False))):
        after = answered(loose(task), perturbed.example, {"mood": "good", "strength": strength})
        one = held(task, "tuned", perturbed, null, after)
        assert (one.holds, one.moot) == results


def loose(task: Task) -> Task:
    """The task, with a schema that lets strength be null."""
    return replace(task, schema={"properties": {"strength": {"type": ["number", "null"]}}})
