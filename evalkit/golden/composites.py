"""Which scores a composite score is made of: what ``of`` names, looked up among the scores of the task."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from evalkit.errors import ConfigError, EvalkitError, UnknownName
from evalkit.golden.contract import ScoreTable
from evalkit.golden.model import ANSWERED, Example, ScoreRule
from evalkit.golden.scoring import is_composite


def read_scores(
    tables: Mapping[str, ScoreTable], declared: Sequence[str], examples: Iterable[Example]
) -> tuple[dict[str, ScoreRule], dict[str, EvalkitError]]:
    """The rules of all scores, composites with those that they are made of, and what is wrong, by the score's name.

    ``declared`` are the names of all scores in the file, those included that can't be used: that such a one is named
    here is no further mistake. ``examples`` are those that are scored.

    >>> tables = {name: ScoreTable(scorer="exact") for name in ("tier", "risk")} | {"all": ScoreTable(scorer="whole")}
    >>> rules, problems = read_scores(tables, [*tables], [])
    >>> [member.name for member in rules["all"].members], problems
    (['tier', 'risk'], {})
    """
    rules = {name: table.rule(name) for name, table in tables.items()}
    composites = [name for name, rule in rules.items() if _made_of_others(rule)]
    fields = {name: rule for name, rule in rules.items() if name not in composites}
    problems: dict[str, EvalkitError] = {}
    examples = list(examples)
    for name, rule in rules.items():
        try:
            if name in composites:
                _check_keys(rule, tables[name])
                _check_parts(rule, composites, fields, declared)
                rules[name] = _composed(rule, fields, examples)
            elif rule.of:
                raise ConfigError(f"'of' is for a score that is made of others, and {rule.scorer!r} reads a field")
        except EvalkitError as error:
            problems[name] = error
    return rules, problems


def _made_of_others(rule: ScoreRule) -> bool:
    try:
        return is_composite(rule)
    except EvalkitError:
        return False  # that there is no such scorer is told elsewhere


def _check_keys(rule: ScoreRule, table: ScoreTable) -> None:
    for key, given in (("field", table.field), ("nonempty", table.nonempty), ("anchors", table.anchors)):
        if given:
            raise ConfigError(f"{key!r} is for a score that reads a field, and {rule.scorer!r} is made of other scores")


def _check_parts(
    rule: ScoreRule, composites: Sequence[str], fields: Mapping[str, ScoreRule], declared: Sequence[str]
) -> None:
    for index, part in enumerate(rule.of):
        if part == rule.name:
            raise ConfigError(f"'of' names {part!r}, which is this score itself")
        if part in composites:
            raise ConfigError(f"'of' names {part!r}, which is made of other scores: name those")
        if part in ANSWERED:
            raise ConfigError(f"'of' names {part!r}, which is no score of a field: it is judged on its own")
        if part in rule.of[:index]:
            raise ConfigError(f"'of' names {part!r} twice")
        if part not in declared:
            raise UnknownName("score", part, fields, "'of' names scores of fields.")


def _composed(rule: ScoreRule, fields: Mapping[str, ScoreRule], examples: Sequence[Example]) -> ScoreRule:
    if not fields:
        raise ConfigError(f"{rule.scorer!r} is made of other scores, and the task has none")
    members = tuple(fields[part] for part in rule.of or fields if part in fields)
    whole = replace(rule, members=members)
    if len(members) == len(rule.of or fields) and examples and not any(map(whole.asked_of, examples)):
        raise ConfigError(f"no example has all of {', '.join(rule.of)}, so that it could never be scored")
    return whole
