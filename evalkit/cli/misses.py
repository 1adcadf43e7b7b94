"""The command that lists what a model got wrong: input, expected, what came, and why that is not right."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from evalkit._internal.counts import counted
from evalkit._internal.outside_text import one_line
from evalkit.cli.project import opened_runs, say
from evalkit.models.config import Config

if TYPE_CHECKING:
    from evalkit.runs.missed import Missed


@click.command()
@click.argument("run", default="latest")
@click.option("--task", default="", help="Only those of this task.")
@click.option("--backend", default="", help="Only those of this model, whatever it was in the run (every tested one).")
@click.option("--field", default="", help="Those of this score (the primary one, without it).")
@click.option("--tag", default="", help="Only examples with this tag.")
@click.pass_obj
def misses(config: Config, run: str, task: str, backend: str, field: str, tag: str) -> None:
    """List the examples that the tested models of RUN (the latest) got wrong."""
    from evalkit.runs.missed import Wanted, missed

    count = 0
    with opened_runs(config) as runs:
        stored = runs.run(run)
        rows = lambda task=None, model=None: runs.rows(stored.id, task, model)  # noqa: E731
        for one in missed(stored, rows, Wanted(task, backend, field, tag)):
            count += 1
            say("\n".join(_lines(one)) + "\n")
    say(f"{counted(count, 'miss') if count == 1 else f'{count:,} misses'} in run {stored.id}")


def _lines(one: Missed) -> Iterator[str]:
    row = one.row
    tags = f" [{', '.join(row.tags)}]" if row.tags else ""
    must = ", must pass" if row.must_pass else ""
    yield one_line(f"{row.example}  {row.task} · {row.model} on {row.split}{must}{tags}")
    for name, value in row.input.items():
        yield one_line(f"  {name}: {value if isinstance(value, str) else _json(value)}")
    yield one_line(f"  expected: {_json(dict(row.expected))}")
    for sample in row.samples:
        came = sample.text if sample.value is None else _json(dict(sample.value))
        yield one_line(f"  got:      {came}" + (f"  ({', '.join(sample.defects)})" if sample.defects else ""))
    for name, score in row.scores.items():
        if score.value < 1 and score.why:
            yield one_line(f"  {name}: {score.why}")


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
