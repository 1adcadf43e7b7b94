"""What a project says in ``[tool.evalkit]`` of pyproject.toml: its models, their lineages, and where its files are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from evalkit._internal.registry import find, names
from evalkit._internal.toml import NAME, Location, as_toml, dotted, read_table
from evalkit._internal.validation import Source, place, validate_table
from evalkit.errors import ConfigError, EvalkitError, Problem, UnknownName
from evalkit.models.alias import Alias, circle_of
from evalkit.models.backend import Spec
from evalkit.models.chat_template import TemplateArguments
from evalkit.models.folders import cache_folder
from evalkit.models.lineages import check_rungs
from evalkit.models.pricing import Price, list_prices, read_price
from evalkit.models.project_file import (
    BASELINE_MARGIN,
    INCONCLUSIVE_NO_LOSS,
    INCONCLUSIVE_WIN,
    AliasTable,
    ProjectTable,
)
from evalkit.models.request import Asking


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
    baseline_margin: float = BASELINE_MARGIN
    lineages: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    prices: Mapping[str, Price] = field(default_factory=list_prices)
    inconclusive_win: int = INCONCLUSIVE_WIN
    inconclusive_no_loss: int = INCONCLUSIVE_NO_LOSS

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
        scheme, schemes = Spec.parse(alias.spec).scheme, names("backends")
        if scheme not in schemes:
            # A name without a colon was meant as an alias as likely as a backend.
            choices = list(schemes) if ":" in alias.spec else [*self.aliases, *schemes]
            raise UnknownName("backend", scheme, choices, "Aliases stand in [tool.evalkit.backends] of pyproject.toml.")
        return alias


def read_config(root: Path) -> Config:
    """Reads ``root/pyproject.toml``. Without one, or without ``[tool.evalkit]``, all defaults hold.

    Raises ConfigError with every key that can't be used.
    """
    table, source = read_table(root), Source(str(root / NAME), ("tool", "evalkit"))
    project, problems = validate_table(ProjectTable, table, source)
    aliases = {name: _alias(name, entry) for name, entry in project.backends.items()}
    lineages = {name: tuple(entry.rungs) for name, entry in project.lineage.items()}
    declared = table["backends"] if isinstance(table.get("backends"), dict) else {}
    problems.extend(_family_problems(aliases, declared, lineages, source))
    prices = {**list_prices(), **_prices(project, source, problems)}
    if problems:
        raise ConfigError.of(problems)
    return Config(
        root,
        backend=tuple(project.backend),
        aliases=aliases,
        models={name: _files(entry) for name, entry in project.models.items()},
        golden=project.golden,
        suites=tuple(project.suites),
        reports=project.reports,
        baseline_margin=project.baseline_margin,
        lineages=lineages,
        prices=prices,
        inconclusive_win=project.inconclusive_win,
        inconclusive_no_loss=project.inconclusive_no_loss,
    )


def _alias(name: str, entry: str | AliasTable) -> Alias:
    if isinstance(entry, str):
        return Alias(name, entry)
    asking = Asking(
        entry.few_shot, entry.prefill, entry.constrained,
        reasoning=tuple(entry.reasoning), system=entry.system, retries=entry.retries,
    )  # fmt: skip
    template = TemplateArguments(entry.thinking, entry.template)
    return Alias(name, entry.spec, entry.parent, entry.model_extra or {}, asking, entry.cost_per_hour, template)


def _files(entry: Mapping[str, str]) -> Mapping[str, str]:
    return {scheme: file.replace("{cache}", str(cache_folder())) for scheme, file in entry.items()}


def _prices(project: ProjectTable, source: Source, problems: list[Problem]) -> dict[str, Price]:
    """The project's own prices; adds to ``problems`` those that lack a part, and were not told already."""
    prices, listed = {}, list_prices()
    already_wrong = {problem.key.rpartition(".")[0] for problem in problems}
    for spec, entry in project.prices.items():
        location: Location = ("prices", spec)
        try:
            heading = place(source, location).rstrip()
            prices[spec] = read_price(heading, entry.model_dump(exclude_unset=True), listed.get(spec))
        except ConfigError as error:
            if dotted((*source.heading, *location)) not in already_wrong:
                problems.append(source.problem(location, str(error)))
    return prices


def _family_problems(
    aliases: Mapping[str, Alias], declared: Iterable[str], lineages: Mapping[str, tuple[str, ...]], source: Source
) -> Iterator[Problem]:
    """What is wrong with the parents of aliases, and with the lineages. ``declared`` are the names of all aliases, also
    of those that can't be used."""
    parents: dict[str, str | None] = dict.fromkeys(declared) | {name: alias.parent for name, alias in aliases.items()}
    in_circles: set[str] = set()
    for name, parent in parents.items():
        location: Location = ("backends", name)
        circle = circle_of(name, parents)
        if parent is not None and parent not in parents:
            yield _problem(source, location, UnknownName("parent", parent, parents))
        elif parent == name:
            yield _problem(source, location, f"parent is {as_toml(name)}, the alias itself: name what it was made from")
        elif circle and name not in in_circles:
            in_circles.update(circle)
            way = " from ".join(map(as_toml, (*circle, name)))
            yield _problem(source, location, f"the parents go in a circle: {way}. Take one `parent` away")
    for name, rungs in lineages.items():
        try:
            check_rungs(rungs, parents)
        except EvalkitError as error:
            yield _problem(source, ("lineage", name), error)


def _problem(source: Source, location: Location, what: EvalkitError | str) -> Problem:
    suggestion = what.suggestion if isinstance(what, UnknownName) else None
    return source.problem(location, f"{place(source, location)}{what}", suggestion)
