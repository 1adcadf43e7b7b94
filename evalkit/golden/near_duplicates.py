"""Pairs of texts that are nearly the same: found among many by MinHash in bands (A. Broder, 1997), then compared."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import combinations, pairwise
from typing import TypeVar
from zlib import crc32

import numpy as np

Item = TypeVar("Item")

NEAR = 0.8
"""Texts are nearly the same from this share of common five-letter pieces on."""

_ACCENT = re.compile("[\u0300-\u036f]")
_LENGTH = 5
_BANDS, _ROWS = 20, 4
"""Pairs that share 0.8 of their pieces meet in one of the bands but for one time in 30,000; such that share 0.5 meet
seven times in ten, and are then looked at."""
_CROWD = 200
"""So many that are alike in a band are compared with their neighbours only: that is one text, many times over."""


def normal(text: str) -> str:
    """``text`` without what two writings of the same differ in: case, punctuation, spacing, forms of letters.

    >>> normal("The  Fed’s “cut” — Naïve?")
    'the fed s cut naive'
    """
    plain = unicodedata.normalize("NFKD", text).casefold()
    # Accents are dropped; the marks of other scripts are letters like any other.
    kept = (sign if sign.isalnum() or unicodedata.category(sign)[0] == "M" else " " for sign in _ACCENT.sub("", plain))
    return " ".join("".join(kept).split())


def near_pairs(items: Sequence[Item], texts: Sequence[str], least: float) -> Iterator[tuple[Item, Item, float]]:
    """Each pair of ``items`` whose texts share at least ``least`` of their five-letter pieces (Jaccard's index), with
    that share, in the order of the items."""
    pieces, candidates = _pieces_and_candidates(tuple(texts))
    for first, second in candidates:
        shared, all_pieces = pieces[first] & pieces[second], pieces[first] | pieces[second]
        share = len(shared) / len(all_pieces)
        if share >= least:
            yield items[first], items[second], share


@lru_cache(maxsize=1)
def _pieces_and_candidates(texts: tuple[str, ...]) -> tuple[list[frozenset[int]], list[tuple[int, int]]]:
    """The pieces of each text, and which pairs may be alike; kept, because one check after another looks at them."""
    pieces = [_pieces(normal(text) or text) for text in texts]
    return pieces, sorted(_candidates(pieces))


def _pieces(text: str) -> frozenset[int]:
    return frozenset(crc32(text[at : at + _LENGTH].encode()) for at in range(max(1, len(text) - _LENGTH + 1)))


def _candidates(pieces: Sequence[frozenset[int]]) -> set[tuple[int, int]]:
    generator = np.random.default_rng(0)
    factors, shifts = generator.integers(0, 1 << 64, size=(2, _BANDS * _ROWS), dtype=np.uint64)
    factors |= np.uint64(1)
    buckets: dict[tuple[int, bytes], list[int]] = defaultdict(list)
    for index, text_pieces in enumerate(pieces):
        hashes = np.fromiter(text_pieces, np.uint64, len(text_pieces))
        # Multiplied modulo 2^64, of which the upper half is kept (M. Dietzfelbinger and others, 1997).
        least = ((hashes[:, None] * factors + shifts) >> np.uint64(32)).min(axis=0).reshape(_BANDS, _ROWS)
        for band, rows in enumerate(least):
            buckets[band, rows.tobytes()].append(index)
    pairs: set[tuple[int, int]] = set()
    for members in buckets.values():
        pairs.update(combinations(members, 2) if len(members) <= _CROWD else pairwise(members))
    return pairs
