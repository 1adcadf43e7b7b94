"""How someone might get a useless model past the ledger: each attack by simulation, through the real ledger and gate.

Every model is exactly as good as the base: each example is right by chance of its own, the base's too. So whatever
ships is a mistake. A test split is for ``PLANNED`` looks, of which the base takes the first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import numpy.typing as npt

from evalkit.golden.looks import Answerer, FirstVerdict, Ledger, Look, Terms
from evalkit.golden.model import Hypothesis
from evalkit.judging.comparison import Pair, judge_pair
from evalkit.stats.paired import paired

PLANNED = 6
N = 60
"""The examples of a split, before it grows."""
RIGHT = 0.6
"""How often every model is right."""
CANDIDATES = 20
SCORES = 8

WIN = Hypothesis("win", "tuned", ("base",), "mood")

Right = npt.NDArray[np.bool_]


@cache
def ships(wins: int, losses: int, ties: int, look: Look) -> bool:
    """Whether the gate of a win lets a candidate through with so many examples on which it is better, or worse."""
    ours = [1.0] * wins + [0.0] * losses + [1.0] * ties
    theirs = [0.0] * wins + [1.0] * losses + [1.0] * ties
    names = [str(number) for number in range(len(ours))]
    found = paired(ours, theirs, names, alpha=look.alpha)
    pair = Pair(WIN, "tuned", "base", "mood", found, found.difference, look=look)
    return judge_pair(pair).status == "SHIP"


@dataclass
class Split:
    """A test split in somebody's hands: its ledger, and the base that was shown on it."""

    ledger: Ledger
    rng: np.random.Generator
    terms: Terms = field(
        default_factory=lambda: Terms("score 0", "60", {"base": Answerer("base", "base's")}, "score 0")
    )
    runs: int = 0

    def __post_init__(self) -> None:
        self.show("base")

    def answers(self, *shape: int) -> Right:
        return self.rng.random(shape) < RIGHT

    def show(self, *models: str) -> None:
        """Shows figures of ``models`` that are not judged: rivals, rungs, or a part of the split."""
        for model in models:
            self.ledger.take(model, Answerer(model), self.terms, self._run(), PLANNED, judged=False)

    def judge(self, model: str, ours: Right, base: Right, terms: Terms | None = None) -> bool:
        """Whether the verdict that counts lets ``model`` through."""
        terms, run = terms or self.terms, self._run()
        who = Answerer(model, ours.tobytes().hex())
        taken = self.ledger.take(model, who, terms, run, PLANNED, judged=True)
        look = Look(taken.number, PLANNED, self.ledger.choices(terms, SCORES))
        if look.is_beyond_plan:
            return False
        wins, losses = int((ours & ~base).sum()), int((~ours & base).sum())
        found = ships(wins, losses, len(ours) - wins - losses, Look(1, PLANNED, look.choices))
        first = self.ledger.decide(taken, who, terms, FirstVerdict("SHIP" if found else "INCONCLUSIVE", run))
        return first.status == "SHIP"

    def _run(self) -> str:
        self.runs += 1
        return f"run-{self.runs}"


Attack = Callable[[Split], bool]
"""Whether anything shipped."""


def useless_candidates(split: Split) -> bool:
    """Twenty models, each judged once."""
    base = split.answers(N)
    return _any(split.judge(name, split.answers(N), base) for name in _names())


def peek_through_against(split: Split) -> bool:
    """Twenty models are shown as rivals, and then judged, the best first."""
    base, models = split.answers(N), split.answers(CANDIDATES, N)
    split.show(*_names())
    return _judge_in_order(split, models, base, models.sum(axis=1))


def peek_through_part(split: Split) -> bool:
    """Of twenty models 9 % of the examples are run (-k), and whoever does best there is judged first."""
    base, models = split.answers(N), split.answers(CANDIDATES, N)
    part = slice(0, round(0.09 * N))
    split.show(*_names())
    return _judge_in_order(split, models, base, models[:, part].sum(axis=1))


def peek_through_rungs(split: Split) -> bool:
    """A lineage of twenty rungs is followed, and the best of them is judged first."""
    return peek_through_against(split)


def re_rolls(split: Split) -> bool:
    """Ten fresh stores of each of five candidates whose answers waver: one in twenty answers falls anew each time."""
    base = split.answers(N)
    shipped = []
    for name in _names()[:5]:
        first = split.answers(N)
        for _ in range(10):
            shipped.append(split.judge(name, np.where(split.rng.random(N) < 0.05, split.answers(N), first), base))
    return any(shipped)


def moved_hypotheses(split: Split) -> bool:
    """Of each of five candidates eight scores are seen at the first verdict; then the best of them is declared."""
    shipped = []
    for name in _names()[:5]:
        base, ours = split.answers(SCORES, N), split.answers(SCORES, N)
        shipped.append(split.judge(name, ours[0], base[0]))
        gained = ours.sum(axis=1).astype(int) - base.sum(axis=1).astype(int)
        best = int(gained.argmax())
        moved = replace(split.terms, declared=f"score {best}", compared=f"score {best}")
        shipped.append(split.judge(name, ours[best], base[best], moved if best else None))
    return any(shipped)


def grown_splits(split: Split) -> bool:
    """Each of five candidates is judged on a split that grows by half whenever it did not ship, five times over."""
    shipped = []
    base, ours = split.answers(N * 3), split.answers(5, N * 3)
    for number, name in enumerate(_names()[:5]):
        for step in range(5):
            n = N + step * N // 2
            grown = replace(split.terms, split=f"{n} examples")
            shipped.append(split.judge(name, ours[number, :n], base[:n], grown))
    return any(shipped)


def other_rivals(split: Split) -> bool:
    """A candidate is judged against ten bases one after the other, each under the name that the task declares."""
    ours = split.answers(N)
    shipped = []
    for number in range(10):
        rival = Answerer(f"base {number}", f"answers of base {number}")
        other = replace(split.terms, rivals={"base": rival})
        split.show(rival.candidate)
        shipped.append(split.judge("tuned", ours, split.answers(N), other))
    return any(shipped)


ATTACKS: dict[str, Attack] = {
    "20 useless candidates": useless_candidates,
    "peek through --against": peek_through_against,
    "peek through -k (9 %)": peek_through_part,
    "peek through 20 rungs": peek_through_rungs,
    "ten re-rolls of each of 5": re_rolls,
    "best of 8 scores, 5 candidates": moved_hypotheses,
    "a split that grows 4 times, 5 candidates": grown_splits,
    "ten other bases": other_rivals,
}


def without_ledger(attack: Attack) -> Attack:
    """The same where every verdict counts, at the level that one candidate alone would be judged at."""

    def naive(split: Split) -> bool:
        return attack(NoLedger(split.ledger, split.rng))

    return naive


class NoLedger(Split):
    """Whatever is judged is judged for the first time."""

    def show(self, *models: str) -> None:
        pass

    def judge(self, _model: str, ours: Right, base: Right, _terms: Terms | None = None) -> bool:
        wins, losses = int((ours & ~base).sum()), int((~ours & base).sum())
        return ships(wins, losses, len(ours) - wins - losses, Look())


def outcomes(attack: Attack, tries: int, ledger: Callable[[Path], Ledger] = Ledger.read) -> Iterator[bool]:
    """Whether anything shipped, try by try, each with a split of its own."""
    with TemporaryDirectory() as folder:
        for number in range(tries):
            place = Path(folder, str(number))
            place.mkdir()
            yield attack(Split(ledger(place), np.random.default_rng([17, number])))


def _names() -> Sequence[str]:
    return [f"model {number}" for number in range(CANDIDATES)]


def _judge_in_order(split: Split, models: Right, base: Right, seen: npt.NDArray[np.int_]) -> bool:
    names = _names()
    return _any(split.judge(names[number], models[number], base) for number in np.argsort(-seen))


def _any(shipped: Iterable[bool]) -> bool:
    """Whether one of them shipped, when all were tried."""
    return sum(shipped) > 0
