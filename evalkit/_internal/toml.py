"""Finds the project at hand, and reads its table ``[tool.evalkit]`` of pyproject.toml, raw.

Light on purpose: this much is read in sessions that have nothing to do with evalkit. What the table means
is read by ``evalkit.models.config``.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from evalkit.errors import ConfigError

NAME = "pyproject.toml"


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

    Raises ConfigError where the file is no TOML, or the table no table.
    """
    path = root / NAME
    try:
        tool = tomllib.loads(path.read_text(encoding="utf-8")).get("tool", {})
    except FileNotFoundError:
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not valid TOML: {error}") from error
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
    raise ConfigError(f"{path}: [tool.evalkit] {key} is {value!r}, expected a string or a list of strings")
