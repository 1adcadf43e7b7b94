"""Asks the models what the store does not have: all at once, or in turn until everything is settled."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from filelock import FileLock

from evalkit.errors import UnusableModel
from evalkit.golden.model import Task
from evalkit.judging.early_stopping import steps, turn
from evalkit.models.backends.floors import FLOORS
from evalkit.models.budget import Budget
from evalkit.models.generate import OnProgress, generate, probe_latency
from evalkit.models.latency import NextAttempt
from evalkit.models.opened import Model
from evalkit.models.request import Request
from evalkit.session.answers import SessionAnswers
from evalkit.session.options import SessionOptions
from evalkit.session.plan import Selection
from evalkit.session.records import ParticipantRecords
from evalkit.session.results import TaskResults
from evalkit.session.tasks import GoldenTasks


@dataclass(frozen=True, slots=True)
class Asking:
    """One session's asking. Whoever comes second, in another process, waits and reads what the first one stored."""

    options: SessionOptions
    tasks: GoldenTasks
    answers: SessionAnswers
    records: ParticipantRecords
    results: TaskResults
    budget: Budget

    def complete(self, selection: Selection) -> Selection:
        """``selection``, with every scored example for the backends whose judged split it holds whole."""
        completed: Selection = {}
        for task_name, backends in selection.items():
            task = self.tasks.task(task_name)
            judged = [example.id for example in self.answers.plan.judged(task)]
            completed[task_name] = {
                name: list({**dict.fromkeys(self.answers.plan.scored(task)), **dict.fromkeys(examples)})
                if set(judged) <= set(examples)
                else list(examples)
                for name, examples in backends.items()
            }
            if any(set(judged) <= set(examples) for examples in completed[task_name].values()):
                # Who is only compared with is asked what is compared, which may cost money, and nothing else.
                completed[task_name] |= dict.fromkeys(self.answers.participants.against(task), judged)
        return completed

    def ask(self, on_progress: OnProgress) -> None:
        """Asks everything that is selected. Raises EvalkitError for what stops all of it, UnusableModel where a model
        that was named answered nothing."""
        participants = self.answers.participants
        at_once = [
            (task, name, requests)
            for task, name, examples in self._everyone()
            if not self.records.in_turn(task, name)
            for requests in self._requests(task, name, examples)
        ]
        opened = [(participants.model(name, task), requests) for task, name, requests in at_once]
        store, identity = self.answers.store, self.answers.identity  # the store makes the folder of the lock
        with FileLock(store.path.with_suffix(".lock")):
            self.budget.resume(store.spent(identity))  # another process may have asked before this one
            self._note_unusable(generate(opened, store, identity, on_progress, self.budget))
            for task, name, requests in at_once:
                self.answers.ask_on(task, name, requests, on_progress, self.budget)
            self.answers.asked_more()
            self.leave_out_unusable()
            rivals = [(task, name) for task, name, _ in self._everyone() if self.records.in_turn(task, name)]
            # Once more while anything was asked: where hypotheses are alternatives, one rival moves another's.
            while any(self._ask_in_turn(task, name, on_progress) for task, name in rivals):
                pass
            self.leave_out_unusable()
            if self.options.split == "test":
                self.results.take_looks(map(self.tasks.task, self.answers.selection), self.tasks.is_frozen)
            participants.release()
            if self.options.latency:
                probe_latency(self._timed(), store, identity, self.options.latency, on_progress, self.budget)
        participants.release()

    def _note_unusable(self, unusable: Mapping[tuple[str, str], str]) -> None:
        for (name, task), reason in unusable.items():
            self.answers.store.note_unusable(self.answers.identity, name, task, reason)

    def leave_out_unusable(self) -> None:
        """Takes away what answered nothing in this session, as what can't be opened.

        That holds for rungs, and rivals that nobody named. Raises UnusableModel for those that were named.
        """
        causes: dict[str, str] = {}
        for (name, task_name), reason in self.answers.store.unusable(self.answers.identity).items():
            task = self.tasks.task(task_name)
            if not self.answers.participants.leave_out(name, task, reason):
                causes.setdefault(name, reason)
        if causes:
            raise UnusableModel(causes)

    def _requests(self, task: Task, name: str, examples: list[str]) -> Iterator[list[Request]]:
        """What ``name`` is asked at once, and then, apart from it, a second time: together they would be one."""
        plan = self.answers.plan
        requests = plan.of(task, name)
        yield [request for example in examples for request in requests[example]]
        yield list(plan.again(task, name).values())

    def _ask_in_turn(self, task: Task, name: str, on_progress: OnProgress) -> bool:
        """Asks ``name`` on until its comparisons are settled; whether it answered anything new."""
        answers, new = self.answers, False
        requests, model = answers.plan.of(task, name), answers.participants.model(name, task)
        for number, step in enumerate(steps(turn(answers.plan.judged(task)))):
            wanted = [request for example in step for request in requests[example]]
            if not answers.open_requests(task, name, wanted):
                continue  # what is there costs nothing
            if number and self.results.settled(task, name):
                break
            unusable = generate([(model, wanted)], answers.store, answers.identity, on_progress, self.budget)
            answers.ask_on(task, name, wanted, on_progress, self.budget)
            answers.asked_more()
            if not number:
                self._note_unusable(unusable)
            new = True
            keys = answers.keys(task, name, step)
            if answers.reasons.keys() >= {key for samples in keys.values() for key in samples}:
                return False  # nobody answers any more
        return new

    def _everyone(self) -> Iterator[tuple[Task, str, list[str]]]:
        """Who is asked what: the selected models that can be run, and the floors."""
        participants = self.answers.participants
        for task_name, selected in self.answers.selection.items():
            task = self.tasks.task(task_name)
            for name, examples in selected.items():
                if participants.takes_part(name, task):
                    yield task, name, examples
            for floor in FLOORS:
                if participants.problem(floor, task) is None:
                    yield task, floor, list(self.answers.plan.scored(task))

    def _timed(self) -> Iterator[tuple[Model, list[Request], NextAttempt]]:
        """Whose latency is probed, and with what: each model's share of the judged split, floors left out."""
        for task, name, examples in self._everyone():
            if name not in FLOORS:
                judged = {example.id for example in self.answers.plan.judged(task)}
                requests = self.answers.plan.of(task, name)
                model = self.answers.participants.model(name, task)
                chosen = [requests[example][0] for example in examples if example in judged]
                yield model, chosen, self.answers.book(task).next_attempt
