"""What a task declares of a model and the run could not judge, because the other side was not asked, or not as it was
meant to be; and why."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from evalkit.judging.reason import Code, Reason


class WhyNotJudged(StrEnum):
    """Why a declared pair was not judged."""

    COSTS = "costs"
    """Each of its answers costs money, and nobody named it."""
    NOT_OPENED = "not_opened"
    """It can't be opened here."""
    NO_PARENT = "no_parent"
    """The pair is this model and its parent, and nobody says what that is."""
    NOT_MADE = "not_made"
    """The same, declared of every model that has a parent: this one has none, so that it is not concerned."""
    NOT_OBEYED = "not_obeyed"
    """It was asked with a schema, and its answers show that nothing held it to that."""
    NOT_ASKED = "not_asked"
    """It is not in the run: a run of a time when nobody was asked who was not named."""


@dataclass(frozen=True, slots=True)
class Absent:
    """Why a declared rival takes no part; ``problem`` is what keeps it from being opened or judged."""

    why: WhyNotJudged
    problem: str = ""


@dataclass(frozen=True, slots=True)
class NotJudged:
    """A declared pair that was not judged, by one score. ``kind``, ``family`` and ``where`` are those of its
    hypothesis."""

    candidate: str
    against: str
    score: str
    kind: str = ""
    why: WhyNotJudged = WhyNotJudged.NOT_ASKED
    problem: str = ""
    family: str = ""
    where: str = ""

    @property
    def leaves_open(self) -> bool:
        """Whether it is declared of the candidate, so that its verdict can't be SHIP."""
        return self.why is not WhyNotJudged.NOT_MADE


_CODES = {
    WhyNotJudged.COSTS: Code.RIVAL_COSTS,
    WhyNotJudged.NOT_OPENED: Code.RIVAL_NOT_OPENED,
    WhyNotJudged.NO_PARENT: Code.PARENT_NOT_KNOWN,
    WhyNotJudged.NOT_OBEYED: Code.RIVAL_NOT_HELD,
    WhyNotJudged.NOT_ASKED: Code.RIVAL_NOT_ASKED,
}


def reasons_of(items: Iterable[NotJudged]) -> Iterator[Reason]:
    """Why the verdict on a model stays open: one reason for each rival, whatever the scores and kinds."""
    rivals: dict[tuple[str, str, WhyNotJudged], list[NotJudged]] = {}
    for item in items:
        if item.leaves_open:
            rivals.setdefault((item.candidate, item.against, item.why), []).append(item)
    for (candidate, against, why), of_rival in rivals.items():
        scores = tuple(dict.fromkeys(item.score for item in of_rival))
        yield Reason(_CODES[why], candidate, against, scores=scores, absent=of_rival[0].problem)
