"""The command that puts two models beside each other, answer by answer: what flipped comes first."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from evalkit._internal.outside_text import one_line
from evalkit.cli.project import opened_runs, say
from evalkit.models.config import Config

if TYPE_CHECKING:
    from evalkit.runs.beside import Pair, Side
    from evalkit.runs.record import Row

_ORDER = {"lost": 0, "gained": 1, "same": 2}


@click.command()
@click.argument("before")
@click.argument("after")
@click.option("--task", default="", help="Only examples of this task.")
@click.option("--field", default="", help="By this score (the primary one, without it).")
@click.option("--tag", default="", help="Only examples with this tag.")
@click.option("--direction", type=click.Choice(["lost", "gained", "same", "any"]), help="Only these (default: flips).")
@click.pass_obj
def diff(config: Config, before: str, after: str, task: str, field: str, tag: str, direction: str | None) -> None:
    """Show where AFTER answers otherwise than BEFORE: each a model of the latest run, or a run that tested one.

    What BEFORE had right and AFTER has not comes first. Decides nothing: `evalkit compare` does.
    """
    from evalkit.runs.beside import pairs, side

    with opened_runs(config) as runs:
        first, second = side(runs, before), side(runs, after)
        found = [
            pair
            for pair in pairs(runs, first, second, field)
            if task in ("", pair.first.task) and tag in ("", *pair.second.tags)
        ]
    counts = Counter(pair.direction for pair in found)
    wanted = {None: ("lost", "gained"), "any": tuple(_ORDER)}.get(direction, (direction,))
    shown = sorted((pair for pair in found if pair.direction in wanted), key=lambda pair: _ORDER[pair.direction])
    for pair in shown:
        say("\n".join(_lines(pair, first, second)) + "\n")
    say(
        f"{first.label} to {second.label}: {counts['lost']} lost, {counts['gained']} gained, {counts['same']} alike "
        f"of {len(found)} examples"
    )


def _lines(pair: Pair, first: Side, second: Side) -> Iterator[str]:
    row = pair.second
    tags = f" [{', '.join(row.tags)}]" if row.tags else ""
    must = ", must pass" if row.must_pass else ""
    yield one_line(f"{row.example}  {row.task}, {pair.score} {pair.direction}{must}{tags}")
    for name, value in row.input.items():
        yield one_line(f"  {name}: {value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}")
    yield one_line(f"  expected: {json.dumps(dict(row.expected), ensure_ascii=False)}")
    names = (first.model, second.model) if first.model != second.model else (first.run.id, second.run.id)
    width = max(map(len, names))
    for name, one in zip(names, (pair.first, row), strict=True):
        yield one_line(f"  {name:<{width}}  {_answer(one)}")


def _answer(row: Row) -> str:
    sample = row.samples[0] if row.samples else None
    if sample is None:
        return f"unanswered: {row.unanswered}"
    defects = f"  ({', '.join(sample.defects)})" if sample.defects else ""
    return (sample.text if sample.value is None else json.dumps(dict(sample.value), ensure_ascii=False)) + defects
