"""Finds the project at hand, reads its table ``[tool.evalkit]`` of pyproject.toml raw, and spells keys and values.

Light on purpose: this much is read in sessions that have nothing to do with evalkit. What the table means
is read by ``evalkit.models.config``.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from evalkit.errors import ConfigError

NAME = "pyproject.toml"

Location = tuple[str | int, ...]
"""The keys that lead to a value, from the outermost table; an element of a list by its index."""

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+\Z")
_LONGEST = 120


def find_project(start: Path) -> Path | None:
    """The nearest folder, ``start`` or one above it, whose pyproject.toml has a table ``[tool.evalkit]``; else None.

    Raises nothing. A file that is no TOML counts where it has that heading: ``read_table`` then says what is wrong.
    """
    start = start.absolute()
    return next((folder for folder in (start, *start.parents) if _is_project(folder / NAME)), None)


def _is_project(path: Path) -> bool:
    try:
        content = path.read_bytes()
    except OSError:
        return False
    if b"evalkit" not in content:
        return False  # most projects: nothing to parse
    try:
        tool = tomllib.loads(content.decode("utf-8")).get("tool")
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        return b"[tool.evalkit" in content
    return isinstance(tool, dict) and "evalkit" in tool


def read_table(root: Path) -> Mapping[str, Any]:
    """``[tool.evalkit]`` of ``root/pyproject.toml``; empty without the file, or without the table in it.

    Raises ConfigError where the file can't be read or is no TOML, or the table no table.
    """
    path = root / NAME
    try:
        tool = tomllib.loads(path.read_text(encoding="utf-8")).get("tool", {})
    except FileNotFoundError:
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not valid TOML: {error}") from error
    except OSError as error:
        raise ConfigError(f"{path}: can't be read: {error.strerror}") from error
    table = tool.get("evalkit", {}) if isinstance(tool, dict) else {}
    if not isinstance(table, dict):
        raise ConfigError(f"{path}: [tool.evalkit] is {table!r}, expected a table")
    return table


def suites_of(root: Path, table: Mapping[str, Any]) -> tuple[str, ...]:
    """The folders of suites that ``table``, read from ``root``, names. Raises ConfigError."""
    return texts(root / NAME, "suites", table.get("suites", ("suites",)))


def texts(path: Path, key: str, value: object) -> tuple[str, ...]:
    """``value`` as texts, a single one included. Raises ConfigError, naming ``key``, where it is neither."""
    if isinstance(value, str):
        return (value,)
    if isinstance(value, list | tuple) and all(isinstance(item, str) for item in value):
        return tuple(value)
    raise ConfigError(f"{path}: [tool.evalkit] {key} is {value!r}, expected a text or a list of texts")


def dotted(location: Location) -> str:
    """The keys of ``location`` with dots between them; elements of lists are counted from 1."""
    return ".".join(quoted(part) for part in location)


def quoted(part: str | int) -> str:
    """A key as TOML writes it; the number, from 1, of an element of a list."""
    if isinstance(part, int):
        return str(part + 1)
    return part if _BARE_KEY.match(part) else f'"{part}"'


def as_toml(value: object) -> str:
    """``value`` as TOML writes it, in one line and not longer than a message bears.

    >>> as_toml({"few_shot": True, "words": ["a", 1]})
    "{few_shot = true, words = ['a', 1]}"
    """
    text = _spelled(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."


def _spelled(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{quoted(str(key))} = {_spelled(item)}" for key, item in value.items()) + "}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "[" + ", ".join(map(_spelled, value)) + "]"
    return repr(value) if isinstance(value, str | int | float) else str(value)
