"""What a model lost since a baseline: examples that must pass, and losses by the gates' no-loss, score by score."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from evalkit.golden.model import Hypothesis
from evalkit.judging.answer import is_right
from evalkit.judging.baseline import Baseline, ScoredModel, check_split
from evalkit.judging.comparison import Comparison, Pair
from evalkit.judging.corrected import Correction, judge_together
from evalkit.judging.gates import no_loss
from evalkit.judging.reason import Code, Reason, Status
from evalkit.stats.betting import smallest_margin_graded
from evalkit.stats.paired import difference, paired
from evalkit.stats.tango import examples_for_margin, smallest_margin


@dataclass(frozen=True, slots=True)
class Regression:
    """One model beside a baseline. ``name``, ``then`` (its model) and ``date`` are the baseline's.

    ``broken`` are must-pass examples that were right and are wrong. ``lost`` and ``gained`` are single flips and
    ``unpaired`` what only one of the two scored, each as "example score". ``added`` examples are only in the task
    as it is now, ``removed`` only in the baseline. ``unselected`` counts those of which nothing is judged, because
    the run did not select them. ``changed`` is true where the task's contract or data are not what they were.
    """

    backend: str
    name: str
    then: str
    date: str
    status: Status
    reasons: tuple[Reason, ...]
    comparisons: tuple[Comparison, ...]
    broken: tuple[str, ...]
    lost: tuple[str, ...]
    gained: tuple[str, ...]
    unpaired: tuple[str, ...]
    added: tuple[str, ...]
    removed: tuple[str, ...]
    unselected: int
    changed: bool
    corrections: tuple[Correction, ...] = ()

    @property
    def open(self) -> tuple[str, ...]:
        """The kinds of hypothesis that are left open, as ``Verdict.open``."""
        return (no_loss.NAME,) if self.status is Status.INCONCLUSIVE else ()


def compare(
    then: Baseline,
    model: ScoredModel,
    hypotheses: Iterable[Hypothesis],
    margin: float,
    strict: bool = False,
) -> Regression:
    """What ``model`` lost and gained since ``then``, of the examples that its run selected.

    A score's margin is the smallest that one of ``hypotheses`` declares for a no-loss of the model in it, else
    ``margin``. BLOCK: examples stayed unanswered, one that must pass broke, a loss is shown (Holm's p over all scores),
    or (``strict``) anything is lost. INCONCLUSIVE: a loss is neither shown nor ruled out; where so few examples could
    not do it, the reason says that. Raises ConfigError where the two are about different splits.
    """
    check_split(then, model.split)
    backend, there = model.backend, model.examples_of_run
    now = {name: example.scores for name, example in model.examples.items()}
    cells = [(name, score) for name in sorted(now) if name in then.scores for score in now[name]]
    cells = [(name, score) for name, score in cells if score in then.scores[name]]
    lost = [(name, score) for name, score in cells if now[name][score] < then.scores[name][score]]
    gained = [(name, score) for name, score in cells if now[name][score] > then.scores[name][score]]
    broken = [name for name in model.failed if name in then.scores and is_right(model.primary, then.scores[name])]
    declared = list(hypotheses)
    judged = _judged(
        [
            _pair(then, model, score, names, no_loss.least_margin(declared, backend, score, margin))
            for score, names in _by_score(model, cells).items()
        ]
    )
    red = sum(item.comparison.status is Status.BLOCK for item in judged)
    status, reasons = _decided(_reasons(broken, [*model.unanswered], judged, lost if strict else ()), judged)
    return Regression(
        backend=backend,
        name=then.name,
        then=then.backend,
        date=then.date,
        status=status,
        reasons=reasons,
        comparisons=tuple(item.comparison for item in judged),
        broken=tuple(broken),
        lost=_cells(lost),
        gained=_cells(gained),
        unpaired=_cells(
            (name, score)
            for name in sorted(now)
            if name in then.scores
            for score in sorted(now[name].keys() ^ then.scores[name].keys())
        ),
        added=tuple(sorted(model.examples_asked - then.scores.keys())),
        removed=tuple(name for name in sorted(then.scores) if name not in there),
        unselected=sum(name in there and name not in model.examples_asked for name in then.scores),
        changed=then.checksum != model.checksum,
        corrections=(Correction("baseline", then.name, len(judged), red, no_loss.LOSS),) if judged else (),
    )


def _by_score(model: ScoredModel, cells: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """Each score with the examples of the judged split that have it on both sides."""
    examples: dict[str, list[str]] = {}
    for name, score in cells:
        if model.examples[name].split == model.split:
            examples.setdefault(score, []).append(name)
    return examples


@dataclass(frozen=True, slots=True)
class _Judged:
    """A comparison by one score, and how few independent pieces it rests on where these can't show its margin."""

    comparison: Comparison
    margin: float
    too_few: int | None


def _judged(pairs: Sequence[tuple[Pair, float, int]]) -> list[_Judged]:
    """Each pair with its margin and its pieces, judged in the light of all others."""
    comparisons = judge_together([pair for pair, _, _ in pairs])
    return [
        _Judged(comparison, margin, pieces if _few(comparison, margin, pieces) else None)
        for comparison, (_, margin, pieces) in zip(comparisons, pairs, strict=True)
    ]


def _few(comparison: Comparison, margin: float, pieces: int) -> bool:
    """Whether a comparison is open, and so few pieces could not show its margin even where no answer differs."""
    if comparison.status is not Status.INCONCLUSIVE:
        return False
    least = (smallest_margin if comparison.paired.right_or_wrong else smallest_margin_graded)(pieces)
    return least is None or least >= margin


def _pair(
    then: Baseline, model: ScoredModel, score: str, names: Sequence[str], margin: float
) -> tuple[Pair, float, int]:
    examples = model.examples

    def values(of: Sequence[str]) -> tuple[list[float], list[float], list[str]]:
        ours = [examples[name].scores[score] for name in of]
        return ours, [then.scores[name][score] for name in of], [examples[name].group for name in of]

    both = (examples[name].scores.get("extractable") == then.scores[name].get("extractable") == 1 for name in names)
    read = [name for name, readably in zip(names, both, strict=True) if readably]
    ours, theirs, groups = values(names)
    hypothesis = Hypothesis(no_loss.NAME, None, (then.name,), score, margin=margin)
    pair = Pair(
        hypothesis, model.backend, then.name, score, paired(ours, theirs, groups), difference(*values(read)),
        missing=sum(name in then.scores for name in model.unanswered),
        lost=tuple(name for name, now, before in zip(names, ours, theirs, strict=True) if now < before),
    )  # fmt: skip
    return pair, margin, len(set(groups))


def _reasons(
    broken: Sequence[str], unanswered: Sequence[str], judged: Sequence[_Judged], red: Sequence[tuple[str, str]]
) -> Iterator[tuple[Status, Reason]]:
    """What blocks, and what is left open. ``red`` are the single losses that block."""
    if unanswered:
        yield Status.BLOCK, Reason(Code.UNANSWERED, examples=tuple(unanswered))
    if broken:
        yield Status.BLOCK, Reason(Code.MUST_PASS_BROKEN, examples=tuple(broken))
    for item in judged:
        status = item.comparison.status
        if status is Status.BLOCK or (status is Status.INCONCLUSIVE and item.too_few is None):
            yield status, item.comparison.reason
    if red:
        yield Status.BLOCK, Reason(Code.STRICT_LOSSES, examples=_cells(red))
    for reason in _too_few(judged):
        yield Status.INCONCLUSIVE, reason
    if not judged:
        yield Status.INCONCLUSIVE, Reason(Code.NOTHING_SHARED)


def _decided(
    reasons: Iterable[tuple[Status, Reason]], judged: Sequence[_Judged]
) -> tuple[Status, tuple[Reason, ...]]:  # fmt: skip
    """What blocks comes first, then what is left open."""
    reasons = list(reasons)
    blocks, opens = (
        [reason for status, reason in reasons if status is which] for which in (Status.BLOCK, Status.INCONCLUSIVE)
    )
    if blocks or opens:
        return (Status.BLOCK if blocks else Status.INCONCLUSIVE), (*blocks, *opens)
    return Status.SHIP, (Reason(Code.NO_LOSS, scores=tuple(item.comparison.score for item in judged)),)


def _too_few(judged: Iterable[_Judged]) -> Iterator[Reason]:
    """One reason for all the scores that so few examples leave open."""
    few: dict[tuple[float, int], list[str]] = {}
    for item in judged:
        if item.too_few is not None:
            few.setdefault((item.margin, item.too_few), []).append(item.comparison.score)
    for (margin, pieces), scores in few.items():
        needed = examples_for_margin(margin)
        yield Reason(Code.TOO_FEW, scores=tuple(scores), asked=margin, count=pieces, needed=needed)


def _cells(cells: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    return tuple(f"{name} {score}" for name, score in cells)
