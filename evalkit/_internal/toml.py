"""Reads the table ``[tool.evalkit]`` of pyproject.toml, raw, and the one key that every pytest session needs.

Light on purpose: this much is read in sessions that have nothing to do with evalkit. What the table means
is read by ``config``.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from evalkit.errors import ConfigError

NAME = "pyproject.toml"


def read_table(root: Path) -> Mapping[str, Any]:
    """``[tool.evalkit]`` of ``root/pyproject.toml``; empty without the file, or without the table in it.

    Raises ConfigError where the file is no TOML, or the table no table.
    """
    path = root / NAME
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8")).get("tool", {}).get("evalkit", {})
    except FileNotFoundError:
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not valid TOML: {error}") from error
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
