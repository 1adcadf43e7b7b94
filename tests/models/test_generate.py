"""Models are asked once, each answer is stored as it comes, and one that dies does not stop the others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pytest

from evalkit.errors import BackendDied, NotAnswered, StoreError, UnknownName
from evalkit.golden.model import Task
from evalkit.models.alias import Alias
from evalkit.models.backend import Completion, fingerprint_of
from evalkit.models.cache import Store
from evalkit.models.generate import Progress, generate
from evalkit.models.opened import Model
from evalkit.models.request import Request, render
from evalkit.models.workbench import Workbench

if TYPE_CHECKING:
    from conftest import MiniProject


@dataclass
class Scripted:
    """A backend in memory: says what it was told to say, and keeps what it was asked."""

    name: str = "scripted"
    by_example: bool = False
    constrains: bool = False
    says: Mapping[str, Completion | Exception] = field(default_factory=dict)
    dies_at: str = ""
    death: BaseException = field(default_factory=lambda: BackendDied("out of memory"))
    skips: str = ""
    asked: list[str] = field(default_factory=list)
    ended: bool = False

    @property
    def fingerprint(self) -> Mapping[str, Any]:
        return {"scripted": self.name}

    def answer(self, requests: Sequence[Request]) -> Iterator[tuple[Request, Completion | Exception]]:
        try:
            for request in reversed(requests):  # any order is allowed
                if request.example_id == self.dies_at:
                    raise self.death
                if request.example_id == self.skips:
                    continue
                self.asked.append(request.example_id)
                said = self.says.get(request.example_id)
                yield request, said or Completion(f"{self.name} on {request.example_id}", "stop")
        finally:
            self.ended = True

    def close(self) -> None:
        """Nothing is held."""


@pytest.fixture
def task(project: MiniProject) -> Task:
    return project.task()


@pytest.fixture
def store(project: MiniProject) -> Iterator[Store]:
    opened = Store(project.root / "store.sqlite")
    yield opened
    opened.close()


def model(backend: Scripted, task: Task) -> Model:
    return Model(Alias(backend.name, backend.name), task, backend.name, backend, fingerprint_of(backend))


def requests(task: Task, count: int = 3) -> list[Request]:
    return [render(task, example) for example in task.splits["test"][:count]]


def texts(store: Store, asked: Model, of: Sequence[Request]) -> list[str | None]:
    kept = store.get(asked.key(request) for request in of)
    return [kept[key].completion.text if (key := asked.key(request)) in kept else None for request in of]


def test_each_answer_is_kept_under_its_own_request(task: Task, store: Store) -> None:
    asked, of = model(Scripted(), task), requests(task)
    generate([(asked, of)], store, "run-1")
    assert texts(store, asked, of) == ["scripted on t-01", "scripted on t-02", "scripted on t-03"]


def test_nothing_is_asked_twice(task: Task, store: Store) -> None:
    first, second, of = Scripted(), Scripted(), requests(task)
    generate([(model(first, task), of[:2])], store, "run-1")
    generate([(model(second, task), of)], store, "run-2")
    assert (sorted(first.asked), second.asked) == (["t-01", "t-02"], ["t-03"])


def test_a_request_that_failed_is_asked_again_in_another_session_only(task: Task, store: Store) -> None:
    of = requests(task)
    generate([(model(Scripted(says={"t-02": NotAnswered("timed out")}), task), of)], store, "run-1")
    again, later = Scripted(), Scripted()
    generate([(model(again, task), of)], store, "run-1")
    generate([(model(later, task), of)], store, "run-2")
    assert (again.asked, later.asked) == ([], ["t-02"])


def test_one_prompt_is_asked_once_however_many_examples_have_it(task: Task, store: Store) -> None:
    backend, request = Scripted(), requests(task, 1)[0]
    twin = replace(request, example_id="t-twin")
    asked = model(backend, task)
    generate([(asked, [request, twin])], store, "run-1")
    assert len(backend.asked) == 1
    assert len(set(texts(store, asked, [request, twin]))) == 1


def test_where_the_answer_depends_on_the_example_one_prompt_has_several(task: Task, store: Store) -> None:
    asked, request = model(Scripted(by_example=True), task), requests(task, 1)[0]
    twin = replace(request, example_id="t-twin")
    generate([(asked, [request, twin])], store, "run-1")
    assert texts(store, asked, [request, twin]) == ["scripted on t-01", "scripted on t-twin"]


def test_no_model_answers_for_another(task: Task, store: Store) -> None:
    one, two, of = model(Scripted("one"), task), model(Scripted("two"), task), requests(task, 1)
    generate([(one, of), (two, of)], store, "run-1")
    assert texts(store, one, of) + texts(store, two, of) == ["one on t-01", "two on t-01"]


def test_a_dead_backend_leaves_named_failures_and_the_others_finish(task: Task, store: Store) -> None:
    dying, well, of = model(Scripted("dying", dies_at="t-02"), task), model(Scripted("well"), task), requests(task)
    generate([(dying, of), (well, of)], store, "run-1")
    assert texts(store, dying, of) == [None, None, "dying on t-03"]
    assert texts(store, well, of) == ["well on t-01", "well on t-02", "well on t-03"]
    reason = "backend 'dying' died: out of memory"
    assert store.failures("run-1") == {dying.key(of[0]): reason, dying.key(of[1]): reason}


def test_an_unforeseen_death_is_told_with_its_kind(task: Task, store: Store) -> None:
    dying = model(Scripted("dying", dies_at="t-01", death=ZeroDivisionError("oh")), task)
    generate([(dying, requests(task, 1))], store, "run-1")
    assert list(store.failures("run-1").values()) == ["backend 'dying' died: ZeroDivisionError: oh"]


def test_one_request_without_an_answer_does_not_stop_the_next(task: Task, store: Store) -> None:
    asked, of = model(Scripted(says={"t-02": NotAnswered("too long")}), task), requests(task)
    generate([(asked, of)], store, "run-1")
    assert texts(store, asked, of) == ["scripted on t-01", None, "scripted on t-03"]
    assert store.failures("run-1") == {asked.key(of[1]): "too long"}


def test_a_backend_that_passes_over_a_request_is_noted(task: Task, store: Store) -> None:
    asked, of = model(Scripted(skips="t-02"), task), requests(task)
    generate([(asked, of)], store, "run-1")
    assert store.failures("run-1") == {asked.key(of[1]): "the backend ended without answering"}


def test_ctrl_c_ends_the_backend_and_keeps_what_was_answered(task: Task, store: Store) -> None:
    backend, of = Scripted(), requests(task)
    asked = model(backend, task)

    def interrupt(progress: Progress) -> None:
        if progress.done == 2:
            raise KeyboardInterrupt("Ctrl-C")

    with pytest.raises(KeyboardInterrupt, match="Ctrl-C"):
        generate([(asked, of)], store, "run-1", interrupt)
    assert backend.ended
    assert texts(store, asked, of) == [None, "scripted on t-02", "scripted on t-03"]
    assert store.failures("run-1") == {}


def test_without_a_store_nothing_more_is_asked(task: Task, store: Store) -> None:
    backend, other = Scripted(), Scripted("other")

    def break_the_store(progress: Progress) -> None:
        if progress.done == 1:
            store.close()

    with pytest.raises(StoreError, match="Cannot operate on a closed database"):
        generate([(model(backend, task), requests(task)), (model(other, task), requests(task))], store, "run-1",
                 break_the_store)  # fmt: skip
    assert (len(backend.asked), other.asked, backend.ended) == (2, [], True)


def test_progress_counts_what_was_stored_before(task: Task, store: Store) -> None:
    told: list[Progress] = []
    asked = model(Scripted(), task)
    generate([(asked, requests(task)[:1])], store, "run-1")
    generate([(asked, requests(task))], store, "run-2", told.append)
    assert [(one.done, one.total) for one in told] == [(1, 3), (2, 3), (3, 3)]


def test_a_workbench_opens_each_alias_once_for_a_task(project: MiniProject, task: Task) -> None:
    bench = Workbench(project.session().config)
    opened = bench.open("tuned", task)
    assert bench.open("tuned", task) is opened
    assert opened.spec == "replay:answers/tuned.jsonl"


def test_the_tasks_name_is_filled_into_a_spec(project: MiniProject, task: Task) -> None:
    project.answers("of-mood", {"t-01": "x"})
    opened = Workbench(project.session().config).open("replay:answers/of-{task}.jsonl", task)
    assert opened.spec == "replay:answers/of-mood.jsonl"


def test_a_workbench_suggests_the_alias_that_was_meant(project: MiniProject, task: Task) -> None:
    with pytest.raises(UnknownName, match=r"unknown backend 'tunned'. Did you mean 'tuned'\?"):
        Workbench(project.session().config).open("tunned", task)
