"""Reads ``[tool.evalkit]`` of pyproject.toml: aliases, registered models, where things are."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from evalkit._internal.registry import find, names
from evalkit._internal.toml import NAME, read_table, suites_of, texts
from evalkit.errors import ConfigError, UnknownName
from evalkit.models.backend import Spec
from evalkit.models.pricing import Price, is_price, list_prices, read_price
from evalkit.models.request import Asking

_OPEN = {"inconclusive_win": 1, "inconclusive_no_loss": 0}
_MARGIN = 0.05
_KEYS = {"backend", "backends", "models", "golden", "suites", "reports", "baseline_margin", "lineage", "prices", *_OPEN}
_ALIAS_KEYS = {"spec", "parent", "cost_per_hour"}


@dataclass(frozen=True, slots=True)
class Alias:
    """A backend by the name it has in tables and tests.

    ``spec`` may hold ``{task}``. ``options`` are the alias's further keys, handed to the backend.
    ``parent`` is the alias it was made from. ``asking`` shapes what it is asked, and is not the backend's.
    ``cost_per_hour`` is what the machine costs that it runs on, in US dollars, None where nobody says.
    """

    name: str
    spec: str
    parent: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    asking: Asking = field(default_factory=Asking)
    cost_per_hour: float | None = None

    def spec_for(self, task: str) -> str:
        """Its spec for the golden task of that name."""
        return self.spec.replace("{task}", task)


@dataclass(frozen=True, slots=True)
class Config:
    """What pyproject.toml says, with defaults. ``root`` is its folder (pytest's rootdir)."""

    root: Path
    backend: tuple[str, ...] = ()
    aliases: Mapping[str, Alias] = field(default_factory=dict)
    models: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    golden: str = "golden"
    suites: tuple[str, ...] = ("suites",)
    reports: str = "reports"
    baseline_margin: float = _MARGIN
    lineages: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    prices: Mapping[str, Price] = field(default_factory=list_prices)
    inconclusive_win: int = _OPEN["inconclusive_win"]
    inconclusive_no_loss: int = _OPEN["inconclusive_no_loss"]

    def code_of_open(self, kinds: Iterable[str]) -> int:
        """The exit code of a verdict that leaves hypotheses of these kinds open: a win's, if it is not 0."""
        claims_gain = {bool(find("hypotheses", kind).GAIN) for kind in kinds}
        won = self.inconclusive_win if True in claims_gain else 0
        return won or (self.inconclusive_no_loss if False in claims_gain else 0)

    @property
    def store(self) -> Path:
        """The SQLite file of this project's completions and runs."""
        return self.root / ".evalkit" / "store.sqlite"

    @property
    def cache(self) -> Path:
        """What is made from other files of this project, and can be made again."""
        return self.root / ".evalkit" / "cache"

    def alias(self, text: str) -> Alias:
        """The alias called ``text``, or one made of the spec that ``text`` is.

        Raises UnknownName where it is neither.
        """
        alias = self.aliases.get(text) or Alias(text, text)
        scheme, known = Spec.parse(alias.spec).scheme, names("backends")
        if scheme not in known:
            # A name without a colon was meant as an alias as likely as a backend.
            choices = list(known) if ":" in alias.spec else [*self.aliases, *known]
            raise UnknownName("backend", scheme, choices, "Aliases stand in [tool.evalkit.backends] of pyproject.toml.")
        return alias


def cache_folder() -> Path:
    """The user's folder for downloaded models: ``$EVALKIT_CACHE``, else the platform's cache folder."""
    from platformdirs import user_cache_path

    return Path(os.environ.get("EVALKIT_CACHE") or user_cache_path("evalkit"))


def read_config(root: Path) -> Config:
    """Reads ``root/pyproject.toml``. Without one, or without ``[tool.evalkit]``, all defaults hold.

    Raises ConfigError with the key that can't be used.
    """
    path, table = root / NAME, read_table(root)
    for key in table:
        if key not in _KEYS:
            raise ConfigError(f"{path}: {UnknownName('key of [tool.evalkit]', key, _KEYS)}")
    aliases = {name: _alias(path, name, entry) for name, entry in _table(path, table, "backends").items()}
    for alias in aliases.values():
        if alias.parent is not None and alias.parent not in aliases:
            raise ConfigError(
                f"{path}: [tool.evalkit.backends] {alias.name}: {UnknownName('parent', alias.parent, aliases)}"
            )
    inconclusive = {key: table.get(key, code) for key, code in _OPEN.items()}
    for key, code in inconclusive.items():
        if type(code) is not int or not (code in (0, 1) or code >= 6):  # true is no exit code
            raise ConfigError(f"{path}: {key} is {code!r}, expected 0, 1, or 6 and above (2 to 5 are pytest's)")
    return Config(
        root,
        backend=texts(path, "backend", table.get("backend", ())),
        aliases=aliases,
        models={name: _model(path, name, entry) for name, entry in _table(path, table, "models").items()},
        golden=str(table.get("golden", "golden")),
        suites=suites_of(root, table),
        reports=str(table.get("reports", "reports")),
        baseline_margin=_margin(path, table.get("baseline_margin", _MARGIN)),
        lineages={name: _rungs(path, name, entry, aliases) for name, entry in _table(path, table, "lineage").items()},
        prices={
            **list_prices(),
            **{spec: _price(path, spec, entry) for spec, entry in _table(path, table, "prices").items()},
        },
        **inconclusive,
    )


def _table(path: Path, table: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = table.get(key, {})
    if not isinstance(value, dict):
        raise ConfigError(f"{path}: [tool.evalkit] {key} is {value!r}, expected a table")
    return value


def _rungs(path: Path, name: str, entry: object, aliases: Mapping[str, Alias]) -> tuple[str, ...]:
    where = f"{path}: [tool.evalkit.lineage.{name}]"
    if not isinstance(entry, dict) or entry.keys() != {"rungs"}:
        raise ConfigError(f'{where}: got {entry!r}, expected rungs = ["alias", ...] and nothing else')
    rungs = texts(path, f"lineage.{name}.rungs", entry["rungs"])
    if len(set(rungs)) < 2 or len(set(rungs)) != len(rungs):
        raise ConfigError(f"{where}: rungs is {list(rungs)!r}, expected two or more aliases, each once")
    for rung in rungs:
        if rung not in aliases:
            # A spec alone has no parent, and a step is from a parent.
            raise ConfigError(f"{where}: {UnknownName('alias', rung, aliases)}")
    for rung in rungs[1:]:
        parent = aliases[rung].parent
        if parent is not None and parent not in rungs:
            raise ConfigError(f"{where}: the parent of {rung!r} is {parent!r}, which is no rung of it: add it")
    if not any(aliases[rung].parent in rungs for rung in rungs):
        raise ConfigError(f"{where}: no rung has a parent among them: set `parent` in [tool.evalkit.backends]")
    return rungs


def _price(path: Path, spec: str, entry: object) -> Price:
    return read_price(f'{path}: [tool.evalkit.prices."{spec}"]', entry, list_prices().get(spec))


def _margin(path: Path, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1:
        raise ConfigError(f"{path}: baseline_margin is {value!r}, expected a difference of scores between 0 and 1")
    return float(value)


def _alias(path: Path, name: str, entry: object) -> Alias:
    where = f"{path}: [tool.evalkit.backends] {name}"
    given = {"spec": entry} if isinstance(entry, str) else entry
    if not isinstance(given, dict) or not isinstance(given.get("spec"), str):
        raise ConfigError(f'{where}: got {entry!r}, expected a spec ("scheme:model") or a table with one')
    parent = given.get("parent")
    if parent is not None and not isinstance(parent, str):
        raise ConfigError(f"{where}: parent is {parent!r}, expected the name of an alias")
    shaping = {one.name: given[one.name] for one in fields(Asking) if one.name in given}
    for key, value in shaping.items():
        kind, expected = (str, "a text") if key == "prefill" else (bool, "true or false")
        if not isinstance(value, kind):
            raise ConfigError(f"{where}: {key} is {value!r}, expected {expected}")
    options = {key: value for key, value in given.items() if key not in _ALIAS_KEYS and key not in shaping}
    hourly = given.get("cost_per_hour")
    if hourly is not None and not is_price(hourly):
        raise ConfigError(f"{where}: cost_per_hour is {hourly!r}, expected US dollars, 0 or more")
    return Alias(name, given["spec"], parent, options, Asking(**shaping), None if hourly is None else float(hourly))


def _model(path: Path, name: str, entry: object) -> Mapping[str, str]:
    if not isinstance(entry, dict) or not all(isinstance(value, str) for value in entry.values()):
        raise ConfigError(f"{path}: [tool.evalkit.models] {name}: got {entry!r}, expected a table of strings")
    return {key: value.replace("{cache}", str(cache_folder())) for key, value in entry.items()}
