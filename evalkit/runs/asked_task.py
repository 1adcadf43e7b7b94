"""One task as it was asked in a run: what is judged of it follows from this and the stored completions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from evalkit.golden.looks import Look
from evalkit.golden.model import Task
from evalkit.judging import comparison as pairing
from evalkit.judging.answer import Answer
from evalkit.judging.book import AnswerBook
from evalkit.judging.comparison import Comparison
from evalkit.judging.no_verdict import WhyNone, why_none
from evalkit.judging.not_judged import Absent
from evalkit.judging.planned import Lineup, Planned, planned_comparisons
from evalkit.runs.model_run import scored_examples
from evalkit.runs.record import Participation, Role


@dataclass(frozen=True, slots=True)
class AskedTask:
    """One task as it was asked: who took part, and the book with their answers.

    ``frozen`` tells whether its data are those that were frozen, ``margin`` is for pairs that were only asked for,
    ``lineage`` is a name with its rungs. ``turns`` has those that were asked in turn, with the examples of the judged
    split that they were asked. ``absent`` has the declared rivals that took no part, and why.
    """

    task: Task
    split: str
    participations: Sequence[Participation]
    book: AnswerBook
    margin: float
    frozen: bool = True
    lineage: tuple[str, Sequence[str]] | None = None
    turns: pairing.Turns = field(default_factory=dict)
    absent: Mapping[str, Absent] = field(default_factory=dict)

    @property
    def judged(self) -> list[str]:
        """The examples of the judged split."""
        return [example.id for example in self.task.splits.get(self.split, ())]

    @property
    def why_no_verdict(self) -> WhyNone | None:
        """Why nothing is decided of anyone; None where whoever was asked all of the split has a verdict."""
        return why_none(self.split, self.frozen)

    @property
    def lineup(self) -> Lineup:
        """Who is tested and who is compared with."""
        return Lineup(
            self._of_role("backend"),
            self._of_role("against"),
            {part.name: part.participant.parent for part in self.participations},
            self.lineage[1] if self.lineage else (),
            {part.name for part in self.participations if part.participant.joined},
        )

    def _of_role(self, role: Role) -> list[str]:
        return [part.name for part in self.participations if part.role == role]

    @property
    def whole(self) -> frozenset[str]:
        """Who was asked all of the judged split, or in turn as much of it as was needed."""
        judged = self.judged
        return frozenset(
            part.name
            for part in self.participations
            if self.turns.get(part.name)
            or (part.participant.problem is None and all(name in part.keys for name in judged))
        )

    @property
    def looks(self) -> dict[str, Look]:
        """The looks that are spent, by model."""
        whole = self.whole
        return {
            part.name: Look(part.participant.look, part.participant.planned_looks, part.participant.look_choices)
            for part in self.participations
            if part.participant.look and part.name in whole
        }

    @property
    def planned(self) -> list[Planned]:
        """What is compared: of what the task declares and what was asked for, that of which both sides were run."""
        whole = self.whole
        return [
            plan
            for plan in planned_comparisons(self.task, self.lineup, self.margin)
            if {plan.candidate, plan.against} <= whole
        ]

    def answers(self, part: Participation) -> dict[str, Answer]:
        """Its answers to the examples that are scored: perturbed ones have no expected answer."""
        scored = scored_examples(self.task, self.split)
        return self.book.answers(part.name, {name: keys for name, keys in part.keys.items() if name in scored})

    def why_unanswered(self, part: Participation, example: str) -> str:
        """Why ``part`` has no answer to ``example``: none came, or the one that is stored can't be read or scored."""
        return part.reasons.get(example) or self.book.problem(part.keys.get(example, ())) or "not asked"

    def explained(self, part: Participation) -> Participation:
        """``part`` with the reasons for all that it has no answer to, once its answers were read."""
        broken = {name: problem for name, keys in part.keys.items() if (problem := self.book.problem(keys)) is not None}
        return replace(part, reasons={**broken, **part.reasons}) if broken else part

    def compared(self, planned: Sequence[Planned], answers: pairing.Answers) -> list[Comparison]:
        """Every planned pair, judged."""
        return list(pairing.comparisons(self.task, planned, answers, self.split, self.turns, self.looks))
