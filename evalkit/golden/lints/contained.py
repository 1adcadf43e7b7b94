"""Texts of which nearly all stands in another, one in train and one held out: to compare the whole of both misses it.

Compared are pieces of eight letters: of the shorter text, or of one long field of it, the share that the other holds.
Pieces that many texts have, such as a heading, are left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from evalkit.golden.lints.finding import Finding
from evalkit.golden.lints.texts import held_out, judged, strings, text_of
from evalkit.golden.model import Example, Task
from evalkit.golden.near_duplicates import NEAR, near_pairs, normal

SHARE = 0.7
"""A text stands in another from this share of its pieces on. Of texts that have nothing to do with each other a third
is much."""
_LENGTH = 8
_LEAST = 24
"""Of fewer pieces nothing is said: two may come to the same phrase."""
_FIELD = 60
"""A field of so many letters is looked for by itself."""
_COMMON, _FEW = 0.05, 10
"""Pieces that more texts hold than this share of them, and more than so many, belong to none."""


@dataclass(frozen=True, slots=True)
class _Text:
    """The text of an example, or of one ``field`` of its input."""

    example: Example
    text: str
    field: str = ""

    @property
    def named(self) -> str:
        return f"the {self.field} of {self.example.id}" if self.field else f"the text of {self.example.id}"


def check(task: Task) -> Iterator[Finding]:
    examples = judged(example for split in task.splits.values() for example in split if normal(text_of(example)))
    near = near_pairs(examples, [text_of(example) for example in examples], NEAR)
    told = {frozenset((first.id, second.id)) for first, second, _ in near}
    found: dict[str, tuple[float, _Text, _Text]] = {}
    for share, part, whole in _contained(judged(task.splits.get("train", ())), held_out(task)):
        ours = part.example if whole.example.split == "train" else whole.example
        equal_field = part.field and part.text == normal(" ".join(strings(whole.example.input.get(part.field))))
        if frozenset((part.example.id, whole.example.id)) in told or equal_field:  # which other checks tell
            continue
        if ours.id not in found or share > found[ours.id][0]:
            found[ours.id] = share, part, whole
    for share, part, whole in found.values():
        asked, taught = (part, whole) if whole.example.split == "train" else (whole, part)
        yield Finding(
            "error", asked.example.where, f"{share:.0%} of {part.named} stands in {whole.example.id}, held out and in "
            f"train ({taught.example.where}): a model may have learnt it by heart",
            "Take one of the two away, or write it anew.",
        )  # fmt: skip


def _contained(train: Sequence[Example], others: Sequence[Example]) -> Iterator[tuple[float, _Text, _Text]]:
    """Each text of one side that stands in a whole text of the other, with the share of it that does."""
    sides = [list(_texts(train)), list(_texts(others))]
    pieces = [[_pieces(one.text) for one in side] for side in sides]
    if not all(pieces):
        return
    shared = np.intersect1d(np.concatenate(pieces[0]), np.concatenate(pieces[1]))
    tables = [_table(side, shared) for side in pieces]
    wholes = [np.array([not one.field for one in side]) for side in sides]
    counts = sum(np.asarray(table[whole].sum(axis=0)).ravel() for table, whole in zip(tables, wholes, strict=True))
    common = counts > max(_FEW, _COMMON * sum(int(whole.sum()) for whole in wholes))
    for here, there in ((0, 1), (1, 0)):
        sizes = np.array([len(each) for each in pieces[here]]) - np.asarray(tables[here][:, common].sum(axis=1)).ravel()
        places = np.flatnonzero(wholes[there])
        hits = (tables[here][:, ~common] @ tables[there][places][:, ~common].T).tocoo()
        of = sizes[hits.row]
        for at in np.flatnonzero((of >= _LEAST) & (hits.data >= SHARE * of)):
            yield float(hits.data[at] / of[at]), sides[here][hits.row[at]], sides[there][places[hits.col[at]]]


def _texts(examples: Sequence[Example]) -> Iterator[_Text]:
    for example in examples:
        yield _Text(example, normal(text_of(example)))
        fields = {name: normal(" ".join(strings(value))) for name, value in example.input.items()}
        if len(fields) > 1:
            yield from (_Text(example, text, name) for name, text in fields.items() if len(text) >= _FIELD)


def _pieces(text: str) -> NDArray[np.uint64]:
    """A number for each piece of ``text``, once."""
    signs = np.frombuffer(text.encode("utf-32-le"), np.uint32).astype(np.uint64)
    count = max(0, len(signs) - _LENGTH + 1)
    numbers = np.zeros(count, np.uint64)
    for at in range(_LENGTH):
        numbers = numbers * np.uint64(0x9E3779B97F4A7C15) + signs[at : at + count]
    return np.unique(numbers)


def _table(texts: Sequence[NDArray[np.uint64]], shared: NDArray[np.uint64]) -> Any:
    """Which text holds which of the pieces that both sides have, of shape (texts, pieces)."""
    rows = np.repeat(np.arange(len(texts)), [len(each) for each in texts])
    numbers = np.concatenate(texts)
    places = np.searchsorted(shared, numbers)
    there = np.append(shared, np.uint64(0))[places] == numbers
    there &= places < len(shared)
    cells = (np.ones(int(there.sum()), np.int32), (rows[there], places[there]))
    return csr_matrix(cells, shape=(len(texts), len(shared)))
