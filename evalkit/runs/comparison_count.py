"""How many comparisons a run made of one task, over how many each correction ran, and how many show something."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from evalkit.judging.comparison import Comparison
from evalkit.judging.corrected import Correction
from evalkit.judging.gates import kind_of, no_loss
from evalkit.judging.lineage import Lineage
from evalkit.judging.reason import Status
from evalkit.judging.recommendation import Recommendation
from evalkit.judging.slices import SHOWN
from evalkit.runs.record import ModelRun
from evalkit.stats.intervals import ALPHA


def count_comparisons(
    comparisons: Sequence[Comparison],
    model_runs: Iterable[ModelRun],
    rivals: Iterable[Recommendation],
    lineage: Lineage | None,
) -> tuple[Correction, ...]:
    """Every group of comparisons that was made, those of a baseline left out: it counts its own."""
    counted = [
        *_of_candidates(comparisons),
        *(rival.correction for rival in rivals),
        *(lineage.corrections if lineage else ()),
        *(_of_slices(model_run) for model_run in model_runs if model_run.participant.role == "backend"),
    ]
    return tuple(item for item in counted if item.made)


def _of_candidates(comparisons: Sequence[Comparison]) -> Iterator[Correction]:
    for name in dict.fromkeys(item.candidate for item in comparisons):
        declared = [item for item in comparisons if item.candidate == name and item.declared]
        wins = [item for item in declared if kind_of(item.kind).GAIN]
        losses = [item for item in declared if not kind_of(item.kind).GAIN]
        asked = sum(item.candidate == name and not item.declared for item in comparisons)
        yield Correction("wins", name, len(wins), _with(wins, Status.SHIP), ALPHA)
        yield Correction("no_loss", name, len(losses), _with(losses, Status.BLOCK), no_loss.LOSS)
        yield Correction("asked", name, asked, 0, ALPHA)


def _with(comparisons: Iterable[Comparison], status: Status) -> int:
    return sum(item.status is status for item in comparisons)


def _of_slices(model_run: ModelRun) -> Correction:
    ps = [one.corrected for of_score in model_run.slices for one in of_score.slices if one.corrected is not None]
    return Correction("slices", model_run.name, len(ps), sum(p <= SHOWN for p in ps), SHOWN / 2)
