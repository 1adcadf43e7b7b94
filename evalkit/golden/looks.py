"""How often a held-out split was looked at, and what each look costs.

Who tries twenty useless models on one split will see one of them win. So a task states, when it is frozen, how many
candidates its test split is for, and each of them is judged at the one-sided level 0.025 / planned, in whatever order
they come. That is Bonferroni's correction. After the last look the split is worn out. The same candidate again is free,
as are other splits.

It corrects for choosing among candidates. It does not for one that was made from the answers of the one before: who
reads what is missed on the test split and trains on it has no held-out split any more (C. Dwork et al. (2015), Science
349, 636-638).

Sources: J. P. Romano and M. Wolf (2005), Econometrica 73, 1237-1282 (what a search over models does to tests);
C. E. Bonferroni (1936), Pubbl. R. Ist. Sup. Sci. Econ. Comm. Firenze 8, 3-62.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from evalkit._internal.files import text_digest
from evalkit.errors import LooksError
from evalkit.golden.model import Example
from evalkit.stats.intervals import ALPHA

FILE = "looks.jsonl"
PLANNED = 3
"""So many candidates a test split is for, beside the rivals that its task declares, where task.toml says nothing."""
_RENEWED = "renewed"


@dataclass(frozen=True, slots=True)
class Look:
    """The ``number`` of a candidate on its test split, from 1, of the ``planned`` ones; 0 for what spends nothing."""

    number: int = 0
    planned: int = PLANNED

    @property
    def alpha(self) -> float:
        """The one-sided level at which it is judged, the same for each that is planned.

        >>> Look().alpha, Look(1, planned=5).alpha, Look(4, planned=5).alpha
        (0.025, 0.005, 0.005)
        """
        return ALPHA / self.planned if self.number else ALPHA

    @property
    def level(self) -> float:
        """The confidence of the two-sided interval whose bounds are of that level."""
        return 1 - 2 * self.alpha

    @property
    def is_beyond_plan(self) -> bool:
        """Whether the split is worn out: all that were planned came before."""
        return self.number > self.planned


@dataclass(frozen=True, slots=True)
class LookRecord:
    """One first look. ``candidate`` is a digest of the model and of how it is asked; the rest is for people: when it
    was, the digest of the split's ids, the model's alias and fingerprint, whom it was compared with, and the run."""

    created: str
    split: str
    model: str
    fingerprint: str
    candidate: str
    against: tuple[str, ...]
    run: str


def split_digest(examples: Sequence[Example]) -> str:
    """The digest of a split's ids, by which a line of the ledger names it."""
    return text_digest("\n".join(sorted(example.id for example in examples)))[:12]


def numbers(folder: Path) -> dict[str, int]:
    """``{candidate: number}`` of all that were judged on the test split of the task in ``folder`` since it was renewed.

    Examples that are mended, added or taken away make no new split: what was seen before was seen.
    """
    candidates: dict[str, None] = {}
    for line in read(folder):
        if line is None:
            candidates.clear()
        else:
            candidates.setdefault(line.candidate)
    return {candidate: number for number, candidate in enumerate(candidates, start=1)}


def number_of(folder: Path, candidate: str) -> int:
    """The number of ``candidate``: the next one, where it was not noted yet."""
    noted = numbers(folder)
    return noted.get(candidate, len(noted) + 1)


def note(folder: Path, line: LookRecord) -> None:
    """Writes down that a candidate is judged, where that is its first time.

    Raises LooksError where it can't be: a look that nobody knows of would make the next one too easy.
    """
    if line.candidate not in numbers(folder):
        _append(folder, asdict(line))


def renew(folder: Path) -> None:
    """Writes down that the test split of ``folder`` was retired: the next candidate is the first again."""
    if (folder / FILE).exists():
        _append(folder, {_RENEWED: now()})


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _append(folder: Path, table: Mapping[str, Any]) -> None:
    path = folder / FILE
    try:
        before = path.read_text(encoding="utf-8") if path.exists() else ""
        torn = "\n" if before and not before.endswith("\n") else ""
        with path.open("a", encoding="utf-8") as file:
            file.write(f"{torn}{json.dumps(table, ensure_ascii=False)}\n")
    except OSError as error:
        raise LooksError(
            f"{path}: can't be written: {error}. Each first look at the test split is noted there and committed; judge "
            f"on --split=dev where that can't be"
        ) from error


def read(folder: Path) -> Iterator[LookRecord | None]:
    """Every look at the task in ``folder``, the first one first, and None where the test split was renewed.

    Raises LooksError with the line that can't be read.
    """
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


def _line(table: object) -> LookRecord | None:
    if not isinstance(table, Mapping):
        raise TypeError(f"got {table!r}, expected an object")
    if table.keys() == {_RENEWED}:
        return None
    record = LookRecord(**{**table, "against": tuple(table.get("against", ()))})
    if not isinstance(record.candidate, str) or not record.candidate:
        raise TypeError(f"candidate is {record.candidate!r}, expected a digest")
    return record
