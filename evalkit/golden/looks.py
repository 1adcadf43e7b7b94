"""How often a held-out split was looked at, and what each look costs.

Who tries twenty useless models on one split will see one of them win. So a task states, when it is frozen, how many
candidates its test split is for, and each of them is judged at the one-sided level 0.025 / planned, in whatever order
they come. That is Bonferroni's correction. After the last look the split is worn out.

A candidate has one look for each set of terms: what the task declares, the split, the rivals' answers. Its first
verdict under them is the one that counts, so that asking again buys nothing. Where what is compared was changed after
the first look, a new look alone would not do: the best of eight scores of one model ships in 6 % of tries. So the level
of such a look is divided by the number of comparisons that could have been chosen.

It corrects for choosing among candidates. It does not for one that was made from the answers of the one before: who
reads what is missed on the test split and trains on it has no held-out split any more (C. Dwork et al. (2015), Science
349, 636-638).

Sources: J. P. Romano and M. Wolf (2005), Econometrica 73, 1237-1282 (what a search over models does to tests);
C. E. Bonferroni (1936), Pubbl. R. Ist. Sup. Sci. Econ. Comm. Firenze 8, 3-62.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from evalkit.errors import LooksError
from evalkit.golden.ledger_lines import FILE, Line, append, line_id, read_lines
from evalkit.stats.intervals import ALPHA

__all__ = ["FILE", "PLANNED", "Answerer", "FirstVerdict", "Ledger", "Look", "Taken", "Terms", "numbers", "renew"]

PLANNED = 3
"""So many candidates a test split is for, beside the rivals that its task declares, where task.toml says nothing."""


@dataclass(frozen=True, slots=True)
class Look:
    """The ``number`` of a candidate on its test split, from 1, of the ``planned`` ones; 0 for what spends nothing.

    ``choices`` is among how many comparisons this one could be chosen after something was seen, 1 where it was declared
    before.
    """

    number: int = 0
    planned: int = PLANNED
    choices: int = 1

    @property
    def alpha(self) -> float:
        """The one-sided level at which it is judged, the same for each that is planned.

        >>> Look().alpha, Look(1, planned=5).alpha, Look(4, planned=5).alpha, Look(4, planned=5, choices=10).alpha
        (0.025, 0.005, 0.005, 0.0005)
        """
        return ALPHA / (self.planned * self.choices) if self.number else ALPHA

    @property
    def level(self) -> float:
        """The confidence of the two-sided interval whose bounds are of that level."""
        return 1 - 2 * self.alpha

    @property
    def is_beyond_plan(self) -> bool:
        """Whether the split is worn out: all that were planned came before."""
        return self.number > self.planned


@dataclass(frozen=True, slots=True)
class Answerer:
    """Whose answers they are: a digest of the model and of how it is asked, and one of all its answers to the split,
    empty where it did not give them all."""

    candidate: str
    answers: str = ""

    def is_same(self, other: Answerer) -> bool:
        """Whether it is the same model asked in the same way, or one that answers everything alike."""
        return bool(self.candidate and self.candidate == other.candidate) or bool(
            self.answers and self.answers == other.answers
        )


@dataclass(frozen=True, slots=True)
class Terms:
    """What a verdict rests on beside the candidate: digests of what the task declares and of its examples, and the
    declared rivals by name. Where nothing is known of one (""), it is like any.

    ``compared`` is a digest of that part of what is declared which says what is compared with whom.
    """

    declared: str = ""
    split: str = ""
    rivals: Mapping[str, Answerer] = field(default_factory=dict)
    compared: str = ""

    def are_same(self, other: Terms) -> bool:
        """Whether a verdict under the ``other`` terms would be one under these."""
        return (
            ("" in (self.declared, other.declared) or self.declared == other.declared)
            and ("" in (self.split, other.split) or self.split == other.split)
            and all(self.rivals[name].is_same(other.rivals[name]) for name in self.rivals.keys() & other.rivals.keys())
        )


@dataclass(frozen=True, slots=True)
class FirstVerdict:
    """The verdict that counts: how it was decided, in which run, and how each declared comparison was."""

    status: str
    run: str
    open: tuple[str, ...] = ()
    decision: str = "iterate"
    comparisons: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Taken:
    """One look that was taken: its number, who it was, under which terms, and the first verdict where there is one."""

    number: int
    id: str
    model: str
    who: list[Answerer]
    terms: Terms
    planned: int | None = None
    verdict: FirstVerdict | None = None


class Ledger:
    """The looks at the test split of the task in ``folder`` since it was renewed. ``written`` are the lines that were
    added to its file through this object."""

    append = staticmethod(append)
    """Writes a line; a simulation keeps it in memory."""

    def __init__(self, folder: Path, lines: Sequence[Line]) -> None:
        self.folder = folder
        self.taken: list[Taken] = []
        self.written: list[Mapping[str, Any]] = []
        self._last = lines[-1].chain if lines else ""
        self._by_id: dict[str, Taken] = {}
        for line in lines:
            try:
                self._enter(line.table)
            except (KeyError, TypeError, ValueError) as error:
                raise LooksError(f"{line.where}: no look ({error!r}): a newer evalkit may have written it") from error

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Raises LooksError with the line that is not as evalkit wrote it."""
        return cls(folder, read_lines(folder))

    def shown(self, who: Answerer) -> Taken | None:
        """The first look of ``who``, under whatever terms: figures that were shown need not be shown again."""
        return next((taken for taken in self.taken if any(map(who.is_same, taken.who))), None)

    def judged(self, who: Answerer, terms: Terms) -> Taken | None:
        """The look of ``who`` under these ``terms``."""
        return next(
            (taken for taken in self.taken if any(map(who.is_same, taken.who)) and (taken.terms.are_same(terms))),
            None,
        )

    def choices(self, terms: Terms, comparisons: int) -> int:
        """Among how many comparisons those of ``terms`` could be chosen after something was seen on this split.

        Of what the first look was taken under nothing was chosen. Else the task could declare any of ``comparisons``
        (its scores, of all examples and of each slice), and a rival that took another's name any that was shown.
        """
        known = [taken.terms for taken in self.taken]
        first = next((each.compared for each in known if each.compared), terms.compared)
        count = 1 if terms.compared == first else comparisons
        for name, rival in terms.rivals.items():
            then = next((each.rivals[name] for each in known if name in each.rivals), rival)
            count *= 1 if rival.is_same(then) else max(1, len(self.taken))
        return count

    @property
    def next_number(self) -> int:
        """The number that the next look gets."""
        return len(self.taken) + 1

    def take(self, model: str, who: Answerer, terms: Terms, run: str, planned: int, *, judged: bool) -> Taken:
        """The look of ``who``: the one that it has, else a new one, which is written down.

        ``judged`` is whether it may get a verdict under the ``terms``, or figures of it were shown and no more. Raises
        LooksError where it can't be written.
        """
        taken = self.judged(who, terms) if judged else self.shown(who)
        if taken is None:
            self._write(
                {
                    "kind": "look", "created": now(), "run": run, "model": model, **asdict(who),
                    "declared": terms.declared, "compared": terms.compared, "split": terms.split,
                    "rivals": {name: asdict(rival) for name, rival in terms.rivals.items()} if judged else {},
                    "planned": planned, "judged": judged,
                }
            )  # fmt: skip
            taken = self.taken[-1]
        return taken

    def decide(self, taken: Taken, who: Answerer, terms: Terms, verdict: FirstVerdict) -> FirstVerdict:
        """The verdict that counts: the first of that look, which is ``verdict`` where there was none."""
        if taken.verdict is None:
            self._write(
                {
                    "kind": "verdict", "created": now(), "look": taken.id, "answers": who.answers,
                    "declared": terms.declared, "compared": terms.compared, "split": terms.split,
                    "rivals": {name: asdict(rival) for name, rival in terms.rivals.items()},
                    **asdict(verdict),
                }
            )  # fmt: skip
        return taken.verdict or verdict

    def renew(self) -> None:
        """Writes down that the test split was retired: the next candidate is the first again."""
        if self.taken:
            self._write({"kind": "renewed", "created": now()})

    def _write(self, table: Mapping[str, Any]) -> None:
        self.written.append(self.append(self.folder, self._last, table))
        self._last = self.written[-1]["chain"]
        self._enter(table)

    def _enter(self, table: Mapping[str, Any]) -> None:
        kind = table.get("kind", "renewed" if "renewed" in table else "older")
        if kind == "renewed":
            self.taken.clear()
        elif kind == "older":
            who = Answerer(str(table["candidate"]))
            if not self.shown(who):
                self._new(Taken(self.next_number, line_id(table), str(table["model"]), [who], Terms()))
        elif kind == "look":
            who, terms = Answerer(table["candidate"], table["answers"]), _terms(table)
            known = self.judged(who, terms) if table["judged"] else self.shown(who)
            if known is None:
                self._new(Taken(self.next_number, line_id(table), table["model"], [who], terms, int(table["planned"])))
            else:  # two branches looked at the same
                self._by_id[line_id(table)] = known
        elif kind == "verdict":
            self._decided(table)
        else:
            raise ValueError(f"kind is {kind!r}, expected look, verdict or renewed")

    def _new(self, taken: Taken) -> None:
        self.taken.append(taken)
        self._by_id[taken.id] = taken

    def _decided(self, table: Mapping[str, Any]) -> None:
        taken = self._by_id[table["look"]]
        if taken.verdict is not None:
            return  # two branches decided it: the first verdict counts
        taken.terms = _terms(table)
        taken.who.append(Answerer("", table["answers"]))
        taken.verdict = FirstVerdict(
            table["status"], table["run"], tuple(table["open"]), table["decision"], dict(table["comparisons"])
        )


def numbers(folder: Path) -> list[int]:
    """The numbers of all looks at the test split of the task in ``folder`` since it was renewed. Raises LooksError."""
    return [taken.number for taken in Ledger.read(folder).taken]


def renew(folder: Path) -> None:
    """Writes down that the test split of ``folder`` was retired. Raises LooksError."""
    Ledger.read(folder).renew()


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds")


def _terms(table: Mapping[str, Any]) -> Terms:
    rivals = {name: Answerer(rival["candidate"], rival["answers"]) for name, rival in table["rivals"].items()}
    return Terms(table["declared"], table["split"], rivals, table["compared"])
