"""One row of a run as it lies in the store: small, because what it shares with others is not in it again.

A row's input and expected answer are those of every model and of every run: its *example part*, which is stored once
under its digest. The rest is compressed with the first row of the run as the dictionary: rows differ in little. The
blob is ``MARK``, the digest, the compressed rest. An older evalkit wrote the whole row, compressed alone.
"""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass, replace
from hashlib import sha256

from evalkit.runs.record import Row, dump_row, load_row

MARK = b"\x01"
"""No compressed text begins so."""

DIGEST_BYTES = 16


@dataclass(frozen=True, slots=True)
class PackedRow:
    """``blob`` is the row without its example part, ``digest`` the name of that part, and ``part`` its text."""

    blob: bytes
    digest: bytes
    part: bytes


def pack(row: Row, first: bytes) -> PackedRow:
    """``row`` for the store; ``first`` is the text of the run's first row (``text_of``), empty for that row itself."""
    # ASCII, so that a lone surrogate in an answer is kept as what it is.
    part = json.dumps([row.input, row.expected]).encode("ascii")
    digest = sha256(part).digest()[:DIGEST_BYTES]
    return PackedRow(MARK + digest + _compressed(text_of(row), first), digest, part)


def text_of(row: Row) -> bytes:
    """The row without its example part, as text."""
    return dump_row(replace(row, input={}, expected={})).encode("ascii")


def unpack(blob: bytes, part: bytes | None, first: bytes) -> Row:
    """The row that ``pack`` made ``blob`` of, or an older evalkit. ``part`` is its example part, compressed."""
    if blob[:1] != MARK:
        return load_row(zlib.decompress(blob).decode("ascii"))
    row = load_row(_decompressed(blob[1 + DIGEST_BYTES :], first).decode("ascii"))
    if part is None:
        return row
    given, expected = json.loads(zlib.decompress(part))
    return replace(row, input=given, expected=expected)


def first_text(blob: bytes) -> bytes:
    """The text of the first row of a run, by what is stored of it."""
    return _decompressed(blob[1 + DIGEST_BYTES :], b"") if blob[:1] == MARK else b""


def _compressed(text: bytes, dictionary: bytes) -> bytes:
    compressor = zlib.compressobj(1, zdict=dictionary) if dictionary else zlib.compressobj(1)
    return compressor.compress(text) + compressor.flush()


def _decompressed(blob: bytes, dictionary: bytes) -> bytes:
    return (zlib.decompressobj(zdict=dictionary) if dictionary else zlib.decompressobj()).decompress(blob)
