"""Finds a component (a backend, a scorer, a report, ...) by the name that people type.

Built-in components are the files of a package of evalkit; outside packages add theirs through entry points of the group
``evalkit.<kind>``. Both come in here. Two components with one name are an error, and so is a file that lacks the
function its kind asks for. A package's ``SHARED`` names the files of its folder that are no components.
"""

from __future__ import annotations

import pkgutil
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any

from evalkit.errors import ConfigError, UnknownName


@dataclass(frozen=True, slots=True)
class ComponentKind:
    """One kind of component.

    ``packages`` hold the built-in ones. A component's module must define one of ``functions``, all of ``also``, and
    each of ``choices`` as one of the values it may have. ``see`` is where its contract is written down.
    """

    noun: str
    packages: tuple[str, ...]
    functions: tuple[str, ...]
    see: str
    also: tuple[str, ...] = ()
    choices: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


KINDS: Mapping[str, ComponentKind] = {
    "scorers": ComponentKind(
        "scorer",
        ("evalkit.scorers",),
        ("make_scorer", "make_input_scorer", "make_composite"),
        "evalkit/scorers/score.py",
        choices={"KIND": ("class", "number", "set", "text", "composite")},
    ),
    "measurements": ComponentKind(
        "measure",
        ("evalkit.scorers.measurements",),
        ("make_measurement",),
        "evalkit/scorers/measurements/measurement.py",
    ),
    "relations": ComponentKind(
        "relation", ("evalkit.golden.relations",), ("make_relation",), "evalkit/golden/relations/transform.py"
    ),
    "lints": ComponentKind("lint", ("evalkit.golden.lints",), ("check",), "evalkit/golden/lints/finding.py"),
    "backends": ComponentKind(
        "backend",
        ("evalkit.models.backends", "evalkit.models.backends.floors"),
        ("open_backend",),
        "evalkit/models/backend.py",
    ),
    "hypotheses": ComponentKind(
        "hypothesis",
        ("evalkit.judging.gates",),
        ("decide",),
        "evalkit/judging/gates",
        also=("read_terms", "GAIN", "KEYS", "PHRASES"),
    ),
    "reports": ComponentKind("report", ("evalkit.reports",), ("render",), "evalkit/reports/report.py"),
}
"""Every kind of component, under the name that its entry-point group ends with."""


def names(kind: str) -> dict[str, str]:
    """The names of all components of a ``kind`` (a key of ``KINDS``), each with the module that it is in.

    Raises ConfigError where two components claim one name.
    """
    return dict(_names(kind, tuple(sys.path)))


@lru_cache
def _names(kind: str, _path: tuple[str, ...]) -> dict[str, str]:
    # Kept for as long as sys.path stays: looking through all installed packages takes 25 ms each time.
    modules: dict[str, str] = {}
    for name, module in (*_built_in(KINDS[kind]), *_from_outside(kind)):
        if modules.setdefault(name, module) != module:
            raise ConfigError(
                f"two {kind} are called {name!r}: {modules[name]} and {module}. "
                f"Rename the entry point of one of them, or uninstall its package."
            )
    return modules


def _built_in(kind: ComponentKind) -> Iterator[tuple[str, str]]:
    for place in kind.packages:
        package = import_module(place)
        for module in pkgutil.iter_modules(package.__path__):
            if not module.ispkg and module.name not in getattr(package, "SHARED", ()):
                yield module.name, f"{place}.{module.name}"


def _from_outside(kind: str) -> Iterator[tuple[str, str]]:
    return ((entry.name, entry.value) for entry in entry_points(group=f"evalkit.{kind}"))


def find(kind: str, name: str) -> Any:
    """The module of the component called ``name``, of a ``kind`` (a key of ``KINDS``).

    Raises UnknownName with the nearest of those there are; ConfigError where its module can't be imported, or lacks
    what a component of its kind defines.
    """
    modules = names(kind)
    if name not in modules:
        raise UnknownName(KINDS[kind].noun, name, modules)
    try:
        module = import_module(modules[name])
    except ImportError as error:
        raise ConfigError(
            f"{KINDS[kind].noun} {name!r}: its module {modules[name]} can't be imported: {error}"
        ) from error
    except Exception as error:  # whatever an outside package does when it is imported
        raise ConfigError(
            f"{KINDS[kind].noun} {name!r}: its module {modules[name]} can't be imported: "
            f"{type(error).__name__}: {error}"
        ) from error
    if problem := _problem(KINDS[kind], module):
        raise ConfigError(f"{KINDS[kind].noun} {name!r}: its module {modules[name]} {problem}")
    return module


def _problem(kind: ComponentKind, module: object) -> str:
    """What ``module`` lacks to be a component of ``kind``, and what to write; empty where nothing is missing."""
    if not any(hasattr(module, function) for function in kind.functions):
        if len(kind.functions) > 1:
            return f"has neither {' nor '.join(kind.functions)}: write one of them, see {kind.see}"
        return f"has no {kind.functions[0]}: write it, see {kind.see}"
    for name in kind.also:
        if not hasattr(module, name):
            return f"has no {name}: write it, see {kind.see}"
    for name, allowed in kind.choices.items():
        values = f"{', '.join(map(repr, allowed[:-1]))} or {allowed[-1]!r}"
        if not hasattr(module, name):
            return f"has no {name}: write {name} = {values}, see {kind.see}"
        if getattr(module, name) not in allowed:
            return f"has {name} = {getattr(module, name)!r}, expected {values}, see {kind.see}"
    return ""
