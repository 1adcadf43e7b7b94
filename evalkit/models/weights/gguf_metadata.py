"""Reads what a GGUF says of itself, key by key, without a library and without its tensors."""

from __future__ import annotations

import struct
from collections.abc import Collection
from contextlib import closing
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import IO, Any

from evalkit.errors import MissingModel

_NUMBERS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_STRING, _ARRAY = 8, 9


def gguf_metadata(path: Path, keys: Collection[str]) -> dict[str, Any]:
    """The values of ``keys`` in the GGUF at ``path``; those that it does not have are left out.

    Raises MissingModel where the file ends too early or is none.
    """
    try:
        with path.open("rb") as file:
            if file.read(4) != b"GGUF":
                raise MissingModel(f"{path} is not a GGUF file")
            _version, _tensors, count = struct.unpack("<IQQ", file.read(20))
            found: dict[str, Any] = {}
            for _ in range(count):
                key = _string(file)
                (kind,) = struct.unpack("<I", file.read(4))
                value = _value(file, kind)
                if key in keys:
                    found[key] = value
                if len(found) == len(keys):
                    break
            return found
    except (struct.error, KeyError, UnicodeDecodeError, MemoryError, OverflowError, RecursionError) as error:
        raise MissingModel(f"{path}: not a whole GGUF file. Get it again.") from error
    except OSError as error:
        raise MissingModel(f"{path}: can't be read: {error.strerror}") from error


_TEMPLATE = b"tokenizer.chat_template" + struct.pack("<I", _STRING)


def gguf_chat_template(path: Path) -> str:
    """The chat template of the GGUF at ``path``, found without reading all that stands before it; empty without one."""
    with path.open("rb") as file, closing(mmap(file.fileno(), 0, access=ACCESS_READ)) as data:
        place = data.find(_TEMPLATE)
        if place < 0:
            return ""
        file.seek(place + len(_TEMPLATE))
        try:
            return _string(file)
        except (struct.error, MemoryError, OverflowError):
            return ""  # whoever loads the file says what is wrong with it


def _value(file: IO[bytes], kind: int) -> Any:
    if kind == _STRING:
        return _string(file)
    if kind == _ARRAY:
        inner, count = struct.unpack("<IQ", file.read(12))
        if inner in _NUMBERS:
            return struct.unpack(f"<{count}{_NUMBERS[inner]}", file.read(count * struct.calcsize(_NUMBERS[inner])))
        return [_value(file, inner) for _ in range(count)]
    return struct.unpack(f"<{_NUMBERS[kind]}", file.read(struct.calcsize(f"<{_NUMBERS[kind]}")))[0]


def _string(file: IO[bytes]) -> str:
    (size,) = struct.unpack("<Q", file.read(8))
    data = file.read(size)
    if len(data) < size:
        raise struct.error
    return data.decode("utf-8", "surrogateescape")
