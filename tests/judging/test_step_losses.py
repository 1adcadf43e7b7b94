"""Of many steps and scores some lose by chance: what is named as lost, and what is red, is held to a level."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from scipy.stats import binom

from evalkit.golden.model import Decoding, Example, Hypothesis, Prompt, Task
from evalkit.judging.answer import Answer
from evalkit.judging.lineage import Lineage, follow
from evalkit.judging.lineage_steps import LineageTerms, MissingRung, Rung
from evalkit.judging.output import Output
from evalkit.judging.reason import Status
from evalkit.models.backend import Completion
from evalkit.models.request import Request
from evalkit.scorers.score import Score

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

N = 130
EXAMPLES = tuple(Example(f"e{n:03}", "test", {}, {}, group=f"e{n:03}") for n in range(N))
TASK = Task("t", Path(), "T", Prompt("", ""), Decoding(), {}, {}, {}, "team", {}, (), {"test": EXAMPLES}, "")
TERMS = LineageTerms(TASK, "test", 0.05)
SCORES = ("strict", "team", "a", "b", "c", "d", "e", "f")


def answers(name: str, right: dict[str, Sequence[int]]) -> dict[str, Answer]:
    """What ``name`` answered: by score, a 1 for each example on which it is right."""
    output, completion = Output({}, True, (), None, "", ""), Completion("", "stop")
    return {
        example.id: Answer(
            name,
            example,
            Request("t", example.id, (), "", Decoding()),
            completion,
            output,
            {score: Score(score, float(values[number]), "", "") for score, values in right.items()},
        )
        for number, example in enumerate(EXAMPLES)
    }


def flips(lost: int, gained: int = 0) -> tuple[list[int], list[int]]:
    """One score before and after a step that loses so many and gains so many."""
    return [1] * lost + [0] * (N - lost), [0] * lost + [1] * gained + [0] * (N - lost - gained)


def stepped(_terms: LineageTerms = TERMS, /, **scores: tuple[int, int]) -> Lineage:
    """A lineage of one step; ``scores`` lose and gain so many."""
    pairs = {name: flips(*each) for name, each in scores.items()}
    both = {rung: answers(rung, {s: pair[n] for s, pair in pairs.items()}) for n, rung in enumerate(("f16", "q4"))}
    return follow("line", [Rung("f16", None, {}, {}), Rung("q4", "f16", {}, {})], both, _terms)


def standings(lineage: Lineage) -> dict[str, str]:
    return {item.score: item.standing for step in lineage.steps for item in step.gone}


def test_where_nothing_is_declared_the_primary_score_and_strict_gate_and_nothing_else_is_red() -> None:
    lineage = stepped(strict=(0, 0), team=(0, 0), other=(60, 0))
    assert (lineage.status, standings(lineage)) == (Status.SHIP, {"other": "lost"})
    assert [step.by_default for step in lineage.steps] == [True]
    assert stepped(strict=(0, 0), team=(60, 0), other=(0, 0)).status is Status.BLOCK
    assert stepped(strict=(60, 0), team=(0, 0), other=(0, 0)).status is Status.BLOCK


def test_what_is_declared_of_a_step_gates_in_place_of_the_default() -> None:
    declared = Hypothesis("no_loss", None, ("parent",), "other", margin=0.05)
    terms = replace(TERMS, task=replace(TASK, hypotheses=(declared,)))
    lineage = stepped(terms, strict=(60, 0), team=(0, 0), other=(0, 0))
    assert (lineage.status, standings(lineage)) == (Status.SHIP, {"strict": "lost"})
    assert [step.by_default for step in lineage.steps] == [False]


@pytest.mark.parametrize(("lost", "others", "standing"), [(7, 0, "lost"), (7, 7, "may_be_lost"), (5, 0, None)])
def test_a_watched_score_is_lost_by_holms_p_over_all_of_them(lost: int, others: int, standing: str | None) -> None:
    rest = {f"s{number}": (1, 1) for number in range(others)}
    lineage = stepped(strict=(0, 0), team=(0, 0), other=(lost, 0), **rest)
    assert standings(lineage).get("other") == standing
    for step in lineage.steps:
        for item in step.gone:
            assert (item.p, item.over) == (pytest.approx(binom.cdf(0, lost, 0.5)), others + 1)
            assert item.corrected == pytest.approx((others + 1) * binom.cdf(0, lost, 0.5))


def test_sixteen_worse_and_five_better_is_not_beyond_doubt_among_sixty_four_looks() -> None:
    """One-sided p is .0133: shown alone, and of eight scores no more than a loss that may be one."""
    rest = {f"s{number}": (3, 3) for number in range(7)}
    assert standings(stepped(strict=(0, 0), team=(0, 0), other=(16, 5)))["other"] == "lost"
    assert standings(stepped(strict=(0, 0), team=(0, 0), other=(16, 5), **rest))["other"] == "may_be_lost"


@pytest.mark.parametrize(("lost", "gained"), [(5, 0), (7, 1), (3, 0)])
def test_where_an_interval_alone_would_exclude_0_nothing_is_lost(lost: int, gained: int) -> None:
    """n = 130: one-sided p of 5 to 0 is .031, of 7 to 1 .035, while Tango's interval lies below 0."""
    assert standings(stepped(strict=(0, 0), team=(0, 0), other=(lost, gained))) == {}


def test_a_gate_is_red_by_holms_p_over_all_gates_of_the_lineage() -> None:
    """9 of 130 lost: p of a loss is .002, which 25 gates make .0488 and 27 .0527."""
    for steps, status in ((25, Status.BLOCK), (27, Status.INCONCLUSIVE)):
        lineage = line([{"team": flips(9 if n == 0 else 0)} for n in range(steps)])
        assert lineage.status is status, steps
        assert [(family.of, family.made) for family in lineage.corrections] == [("lineage_gates", steps)]


def line(steps: Sequence[dict[str, tuple[Sequence[int], Sequence[int]]]]) -> Lineage:
    """A lineage whose steps start from one base each, so that each may lose what it will."""
    rungs, both = [], {}
    for number, scores in enumerate(steps):
        for side, name in enumerate((f"from{number}", f"to{number}")):
            both[name] = answers(name, {score: pair[side] for score, pair in scores.items()})
            rungs.append(Rung(name, f"from{number}" if side else None, {}, {}))
    return follow("line", rungs, both, TERMS)


def test_without_a_step_nothing_is_declared_that_could_fail() -> None:
    lineage = follow("line", [Rung("f16", None, {}, {})], {"f16": answers("f16", {"team": [1] * N})}, TERMS)
    assert (lineage.status, [reason.code for reason in lineage.reasons]) == (Status.UNDECLARED, ["no_step"])


def test_a_step_whose_rung_was_not_run_is_left_open_though_nothing_is_declared_of_it() -> None:
    rungs = [Rung("f16", None, {}, {}), Rung("q4", "f16", {}, {}, MissingRung("no such file"))]
    lineage = follow("line", rungs, {"f16": answers("f16", {"team": [1] * N})}, TERMS)
    assert (lineage.status, lineage.open) == (Status.INCONCLUSIVE, ("no_loss",))
    assert [(reason.code, reason.declared) for reason in lineage.reasons] == [("not_run", False)]


@pytest.mark.parametrize("share", [0.02, 0.05, 0.1, 0.2])
def test_a_lineage_where_only_noise_flips_seldom_names_a_loss(share: float) -> None:
    """Nine steps of eight scores. Gates are red in at most 5 % of lineages, watched scores lost in at most 2.5 %.

    The p of each pair is what ``paired`` gives for so many flips (``test_paired`` holds that); families and levels are
    those of ``follow``, which the tests above hold.
    """
    draw = np.random.default_rng(7)
    lineages = 20_000
    flipped = draw.binomial(N, share, (lineages, 9, 8))
    p = p_of_loss(draw.binomial(flipped, 0.5), flipped)
    red = holm_rejects(p[:, :, :2], 0.05)
    lost = holm_rejects(p[:, :, 2:], 0.025)
    assert red.mean() <= 0.05
    assert lost.mean() <= 0.025
    assert (red | lost).mean() <= 0.05


def p_of_loss(lost: Any, flipped: Any) -> NDArray[Any]:
    """One-sided, by counting: so many of the flips are losses, or more."""
    return np.asarray(binom.sf(lost - 1, flipped, 0.5))


def holm_rejects(p: NDArray[Any], alpha: float) -> NDArray[Any]:
    """Whether Holm rejects any: its first step is Bonferroni's."""
    return np.asarray(p.reshape(len(p), -1).min(axis=1) * p[0].size <= alpha)


def test_families_and_levels_are_those_of_the_simulation() -> None:
    draw = np.random.default_rng(3)
    for _ in range(2):
        counts = draw.binomial(26, 0.5, (9, 8))
        p = p_of_loss(counts, np.full((9, 8), 26))
        lineage = line(
            [
                {score: flips(int(count), 26 - int(count)) for score, count in zip(SCORES, row, strict=True)}
                for row in counts
            ]
        )
        families = {family.of: (family.made, family.alpha) for family in lineage.corrections}
        assert families == {"lineage_gates": (18, 0.05), "lineage_scores": (54, 0.025)}
        assert (lineage.status is Status.BLOCK) == bool(holm_rejects(p[None, :, :2], 0.05)[0])
        watched = [item.standing for step in lineage.steps for item in step.gone if item.over == 54]
        assert ("lost" in watched) == bool(holm_rejects(p[None, :, 2:], 0.025)[0])
        assert len(watched) == int((p[:, 2:] <= 0.025).sum())
