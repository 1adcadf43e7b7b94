"""How often a held-out split was looked at, and what each look costs.

Who tries twenty useless models on one split will see one of them win. So each distinct candidate that is judged on a
task's test split gets a number, once and for all, and the k-th is judged at the one-sided level 0.025 / (k (k + 1)):
these sum to 0.025, however many come. That is a Bonferroni correction with unequal shares, whose number of tests need
not be known before. The same candidate again is free, as are other splits.

Sources: J. P. Romano and M. Wolf (2005), Econometrica 73, 1237-1282 (what a search over models does to tests);
D. P. Foster and R. A. Stine (2008), J. R. Stat. Soc. B 70, 429-444 (spending a level on hypotheses as they come).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from evalkit.digests import text_digest
from evalkit.errors import LooksError
from evalkit.stats.intervals import ALPHA
from evalkit.tasks import Example

FILE = "looks.jsonl"


@dataclass(frozen=True, slots=True)
class Look:
    """The ``number`` of a candidate on its test split, from 1; 0 for what spends nothing."""

    number: int = 0

    def __str__(self) -> str:
        """
        >>> print(Look(3))
        model 3 that is judged on this test split: a win needs p <= 0.0021 (0.025 / 12), no loss a 99.58 % interval
        """
        share, level = self.number * (self.number + 1), 100 * (1 - 2 * self.alpha)
        return (
            f"model {self.number} that is judged on this test split: a win needs p <= {self.alpha:.2g} "
            f"(0.025 / {share}), no loss a {level:.4g} % interval"
        )

    @property
    def alpha(self) -> float:
        """The one-sided level at which it is judged.

        >>> Look().alpha, Look(1).alpha, round(sum(Look(k).alpha for k in range(1, 10_000)), 4)
        (0.025, 0.0125, 0.025)
        """
        return ALPHA / (self.number * (self.number + 1)) if self.number else ALPHA


@dataclass(frozen=True, slots=True)
class Line:
    """One look: when, at which split (the digest of its ids), by which candidate, and with what it was compared."""

    created: str
    split: str
    candidate: str
    fingerprint: str
    against: tuple[str, ...]
    run: str


def split_digest(examples: Sequence[Example]) -> str:
    """By what a split is known: its ids. A label that is mended makes no new split of it."""
    return text_digest("\n".join(sorted(example.id for example in examples)))[:12]


def numbers(folder: Path, split: str) -> dict[str, int]:
    """``{fingerprint: number}`` of every candidate that was judged on that ``split`` of the task in ``folder``."""
    candidates = dict.fromkeys(line.fingerprint for line in read(folder) if line.split == split)
    return {fingerprint: number for number, fingerprint in enumerate(candidates, start=1)}


def note(folder: Path, split: str, candidate: str, fingerprint: str, against: Sequence[str], run: str) -> None:
    """Writes down that ``candidate`` is judged on that ``split``, where that is its first time.

    Raises LooksError where it can't be: a look that nobody knows of would make the next one too easy.
    """
    if fingerprint in numbers(folder, split):
        return
    line = Line(datetime.now(UTC).isoformat(timespec="seconds"), split, candidate, fingerprint, tuple(against), run)
    path = folder / FILE
    try:
        before = path.read_text(encoding="utf-8") if path.exists() else ""
        torn = "\n" if before and not before.endswith("\n") else ""
        with path.open("a", encoding="utf-8") as file:
            file.write(f"{torn}{json.dumps(asdict(line), ensure_ascii=False)}\n")
    except OSError as error:
        raise LooksError(
            f"{path}: can't be written: {error}. Each first look at the test split is noted there and committed; judge "
            f"on --split=dev where that can't be"
        ) from error


def read(folder: Path) -> Iterator[Line]:
    """Every look at the task in ``folder``, the first one first. Raises LooksError with the line that can't be read."""
    path = folder / FILE
    try:
        lines = path.read_text(encoding="utf-8").split("\n") if path.exists() else []
    except (OSError, UnicodeDecodeError) as error:
        raise LooksError(f"{path}: can't be read: {error}") from error
    for number, text in enumerate(lines, start=1):
        if text.strip():
            try:
                yield _line(json.loads(text))
            except (ValueError, TypeError) as error:
                raise LooksError(
                    f"{path}:{number}: no look ({error}); take the file back from version control: without it the "
                    f"next candidate would be judged too easily"
                ) from error


def _line(table: object) -> Line:
    if not isinstance(table, Mapping):
        raise TypeError(f"got {table!r}, expected an object")
    found = Line(**{**table, "against": tuple(table.get("against", ()))})
    for name in ("split", "fingerprint"):
        if not isinstance(getattr(found, name), str):
            raise TypeError(f"{name} is {getattr(found, name)!r}, expected a string")
    return found
