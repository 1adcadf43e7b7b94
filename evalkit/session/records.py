"""Who took part on a task, as a run records it: which model, where its answers are, and why some are missing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import takewhile

from evalkit.golden.model import Task
from evalkit.judging.early_stopping import turn
from evalkit.models.backends.floors import FLOORS
from evalkit.models.latency import Probe
from evalkit.models.opened import Model
from evalkit.models.pricing import Price
from evalkit.runs.record import Participant, Participation, Role
from evalkit.session.answers import SessionAnswers
from evalkit.session.options import SessionOptions


class ParticipantRecords:
    """Makes the records of one session's participants from what it selected and asked."""

    def __init__(self, answers: SessionAnswers, options: SessionOptions) -> None:
        self._answers = answers
        self._plan = answers.plan
        self._participants = answers.participants
        self._options = options

    def of(self, task: Task) -> list[Participation]:
        """Who is in this session on ``task``: the tested, those they are compared with, the floors."""
        selected, participants = self._answers.selection.get(task.name, {}), self._participants
        roles: list[tuple[str, Role]] = [(name, "backend") for name in participants.backends(task) if name in selected]
        roles += [(name, "against") for name in participants.against(task) if name in selected]
        roles += [(name, "floor") for name in FLOORS if name not in selected]
        probes = self._answers.store.probes(self._answers.identity)
        return [self._record(task, name, role, selected.get(name), probes) for name, role in roles]

    def turns(self, task: Task, records: Sequence[Participation]) -> dict[str, list[str]]:
        """Of ``records`` those that are asked in turn, with the examples that they were asked so far."""
        return {record.name: list(record.keys) for record in records if self.in_turn(task, record.name)}

    def in_turn(self, task: Task, name: str) -> bool:
        """Whether ``name`` is asked until all is settled, and no further."""
        participants = self._participants
        return self._options.sequential and name in participants.against(task) and name not in participants.rungs

    def _record(
        self, task: Task, name: str, role: Role, selected: Sequence[str] | None, probes: Mapping[tuple[str, str], Probe]
    ) -> Participation:
        participants, plan = self._participants, self._plan
        problem = participants.problem(name, task) if role == "floor" or name in participants.rungs else None
        if problem is not None:
            return Participation(Participant(name, role, name, "", participants.config.alias(name).parent, problem))
        model = participants.model(name, task)
        examples = list(plan.scored(task) if selected is None else selected)
        if self.in_turn(task, name):
            there = set(examples)
            examples = [example for example in self._asked_in_turn(task, name) if example in there]
        keys, reasons = self._answers.keys(task, name, examples), self._answers.reasons
        participant = Participant(
            name, role, model.spec, model.fingerprint, model.alias.parent,
            asked=plan.describe(task, name),
            decoding=dict(model.backend.fingerprint.get("decoding", {})),
            candidate=model.candidate,
            retries=model.alias.asking.retries,
            price=self._price(model),
            cost_per_hour=model.alias.cost_per_hour,
            joined=role == "against" and name in participants.joining(task),
            recorded=model.backend.by_example,
            thinking=model.alias.template.thinking,
            obeyed=None if model.held is None else model.held.obeyed,
            left_out=() if model.held is None else model.held.left_out,
            adapter_own=tuple(model.backend.fingerprint.get("adapter_own", ())),
            wavers=model.backend.fingerprint.get("reproducible") is False,
            moves=bool(model.backend.fingerprint.get("moves")),
            probe=probes.get((model.candidate, task.name)) if role != "floor" else None,
        )  # fmt: skip
        # In reverse, so that the first of an example's samples has the say.
        unanswered = {
            example: reasons[key]
            for example, sample_keys in keys.items()
            for key in reversed(sample_keys)
            if key in reasons
        }
        again = self._answers.second_keys(task, name)
        return Participation(participant, keys, unanswered, again, self._answers.earlier(task, keys, again))

    def _asked_in_turn(self, task: Task, name: str) -> list[str]:
        """The examples of the judged split that ``name`` has been asked, in turn."""
        requests, ordered = self._plan.of(task, name), turn(self._plan.judged(task))
        in_order = [request for group in ordered for example in group for request in requests[example]]
        open_examples = {request.example_id for request in self._answers.open_requests(task, name, in_order)}
        return [example for group in takewhile(open_examples.isdisjoint, ordered) for example in group]

    def _price(self, model: Model) -> Price | None:
        """What an alias pays for its tokens, however its answers were once come by."""
        price = self._participants.config.prices.get(model.spec)
        return price.in_batch() if price and model.alias.options.get("batch") else price
