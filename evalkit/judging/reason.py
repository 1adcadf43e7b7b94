"""Why something was decided, as data: a code and the figures of its sentence. ``wording`` makes the sentence."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from evalkit.stats.intervals import LEVEL, Estimate


class Status(StrEnum):
    """How a gate answers, or a verdict that rests on gates.

    ``UNDECLARED`` is of verdicts and lineages alone, no gate answers it: nothing is declared that could fail.
    """

    SHIP = "SHIP"
    BLOCK = "BLOCK"
    INCONCLUSIVE = "INCONCLUSIVE"
    UNDECLARED = "UNDECLARED"


ANSWERS = (Status.SHIP, Status.BLOCK, Status.INCONCLUSIVE)
"""What the gate of a hypothesis may answer."""


class Code(StrEnum):
    """What a reason is about. Behind each stand the fields of ``Reason`` that it has."""

    # Of a verdict
    UNANSWERED = "unanswered"
    """Examples stayed unanswered: examples."""
    MUST_PASS_WRONG = "must_pass_wrong"
    """Examples that must pass are wrong: examples."""
    NOTHING_SCORED = "nothing_scored"
    """A score has a threshold and no example: score, split, slice, asked."""
    BELOW_THRESHOLD = "below_threshold"
    """A rate is too low: score, split, slice, got, asked."""
    MEETS_THRESHOLD = "meets_threshold"
    """A rate is high enough: score, split, slice, got, asked."""
    ON_THE_LINE = "on_the_line"
    """A threshold lies inside the interval of a rate, so that the rate alone decides: score, split, got, asked, p: the
    chance that a model which is five points below it would pass."""
    COMPARISON = "comparison"
    """Two models were compared: model, against, score, slice, got, p, wins, losses, outcome, declared, and the examples
    on which the model scores less."""
    BELOW_FLOOR = "below_floor"
    """All that is declared holds, and a floor that reads nothing does better by the primary score: against, score, got,
    asked (the floor's rate)."""
    RIVAL_COSTS = "rival_costs"
    """A declared rival was not asked, because its answers cost money: model, against, scores."""
    RIVAL_NOT_OPENED = "rival_not_opened"
    """A declared rival can't be opened: model, against, scores, absent (the problem)."""
    PARENT_NOT_KNOWN = "parent_not_known"
    """A pair with a parent is declared, and nobody says what the parent is: model, scores."""
    RIVAL_NOT_HELD = "rival_not_held"
    """A declared rival was not held to the schema that it was asked with: model, against, scores, absent (what shows
    it)."""
    RIVAL_NOT_ASKED = "rival_not_asked"
    """A declared rival is not in the run: model, against, scores."""
    NOTHING_DECLARED = "nothing_declared"
    """The task declares nothing that a model could fail."""
    ALL_HOLDS = "all_holds"
    """All that was declared holds."""
    FIRST_VERDICT = "first_verdict"
    """It was judged before, and that verdict counts: model, first, now, run."""
    WORN_OUT = "worn_out"
    """As many candidates as were planned came before it: model, count (what was planned)."""

    # Of a regression, beside unanswered and comparison
    MUST_PASS_BROKEN = "must_pass_broken"
    """Examples that must pass were right and are wrong: examples."""
    STRICT_LOSSES = "strict_losses"
    """Single losses, none of which is forgiven: examples, each with its score."""
    TOO_FEW = "too_few"
    """So few independent examples can't rule a loss out: scores, asked (the margin), count (what there is), needed."""
    NOTHING_SHARED = "nothing_shared"
    """No example of the judged split is on both sides."""
    NO_LOSS = "no_loss"
    """No loss beyond the margin: scores."""

    # Of a lineage, beside comparison
    NOT_RUN = "not_run"
    """A gate was not judged, because one of the two was not run: model, against, absent, declared, and the score where
    the task declares it."""
    NO_STEP_LOST = "no_step_lost"
    """No step lost more than the task allows."""
    BY_DEFAULT = "by_default"
    """Steps of which the task declares nothing are held to no loss: scores, asked (the margin), count (of steps)."""
    NO_STEP = "no_step"
    """There was no step to judge."""
    NO_STEP_DECLARED = "no_step_declared"
    """Of a run stored before steps were judged by default: the task declares nothing that a step could lose."""


NOT_JUDGED = frozenset(
    {Code.RIVAL_COSTS, Code.RIVAL_NOT_OPENED, Code.PARENT_NOT_KNOWN, Code.RIVAL_NOT_HELD, Code.RIVAL_NOT_ASKED}
)
"""Reasons that leave a verdict open for want of a rival: red, whatever an open hypothesis is set to be."""


@dataclass(frozen=True, slots=True)
class Remark:
    """What there is to know of a comparison beside its status.

    ``code`` is one that ``wording`` knows for all kinds of hypotheses, or a key of the kind's own PHRASES. ``got`` is
    a difference, ``asked`` a bound that it is held to, ``count`` a number of examples or of a look, ``p`` the p that
    decides.
    """

    code: str
    got: Estimate | None = None
    asked: float | None = None
    count: int | None = None
    p: float | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """How the gate of one ``kind`` of hypothesis answers on a pair. ``bound`` is its least gain, or its margin."""

    kind: str
    status: Status
    bound: float
    remarks: tuple[Remark, ...] = ()


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason of a verdict, a regression or a lineage; see ``Code`` for the fields that are set.

    Rates, differences and bounds are shares of 1, so 0.05 is 5 points. ``got`` has the interval and n with it.
    ``outcome`` is None where a pair was only asked for, ``declared`` false where the task does not declare it.
    ``slice`` is the tag of the examples that it is about, empty where it is about all.
    ``p`` is of a win and ``p_worse`` of a loss, one-sided. ``level`` is that of the interval of ``got``, and
    ``extended`` is whether it was made to reach 0, because p does not show a difference.
    ``first`` is the verdict that counts, of the ``run``, and ``now`` what it would be this time.
    """

    code: Code
    model: str = ""
    against: str = ""
    score: str = ""
    split: str = ""
    scores: tuple[str, ...] = ()
    examples: tuple[str, ...] = ()
    got: Estimate | None = None
    asked: float | None = None
    count: int | None = None
    needed: int | None = None
    p: float | None = None
    wins: int | None = None
    losses: int | None = None
    outcome: Outcome | None = None
    declared: bool = True
    absent: str = ""
    slice: str = ""
    p_worse: float | None = None
    level: float = LEVEL
    extended: bool = False
    first: Status | None = None
    now: Status | None = None
    run: str = ""
