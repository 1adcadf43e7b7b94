"""Finds a component (a backend, a scorer) by the name people type.

Built-in ones are the files of a folder of this package; outside packages add theirs through entry points
of the group with the same name. Both come in here, and two of one name are an error.
"""

from __future__ import annotations

import pkgutil
import sys
from functools import lru_cache
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any

from evalkit.errors import ConfigError, UnknownName

PLACES = {
    "scorers": "evalkit.scorers",
    "relations": "evalkit.golden.relations",
    "lints": "evalkit.golden.lints",
    "backends": "evalkit.models.backends",
}
"""The folder of the built-in components of each kind."""


def names(kind: str) -> dict[str, str]:
    """The names of all components of a ``kind`` ("backends", "scorers"), and the module each is in.

    Raises ConfigError where two components claim one name.
    """
    return dict(_names(kind, tuple(sys.path)))


@lru_cache
def _names(kind: str, _path: tuple[str, ...]) -> dict[str, str]:
    # Kept for as long as sys.path stays: looking through all installed packages takes 25 ms each time.
    place = PLACES[kind]
    package = import_module(place)
    found = {
        module.name: f"{place}.{module.name}"
        for module in pkgutil.iter_modules(package.__path__)
        if not module.ispkg and module.name not in getattr(package, "SHARED", ())
    }
    for entry in entry_points(group=f"evalkit.{kind}"):
        if entry.name in found and found[entry.name] != entry.value:
            raise ConfigError(
                f"two {kind} are called {entry.name!r}: {found[entry.name]} and {entry.value}. "
                f"Rename the entry point of one of them, or uninstall its package."
            )
        found[entry.name] = entry.value
    return found


def find(kind: str, name: str) -> Any:
    """The module of the component called ``name``.

    Raises UnknownName with the nearest of those there are, ConfigError where its module can't be imported.
    """
    known = names(kind)
    if name not in known:
        raise UnknownName(kind.removesuffix("s"), name, known)
    try:
        return import_module(known[name])
    except ImportError as error:
        what = kind.removesuffix("s")
        raise ConfigError(f"{what} {name!r}: its module {known[name]} can't be imported: {error}") from error
