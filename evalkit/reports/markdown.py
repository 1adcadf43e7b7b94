"""A run as Markdown, ready for a README, a pull request or a job summary."""

from __future__ import annotations

from collections.abc import Iterator

from evalkit.reports import tables


def render(run: tables.Run) -> str:
    """The run as GitHub-flavoured Markdown."""
    return "\n".join(_lines(run)) + "\n"


def _lines(run: tables.Run) -> Iterator[str]:
    for task in run["tasks"]:
        shown = tables.columns(task)
        yield f"## {task['title']}"
        yield ""
        yield f"{tables.heading(task)}. Rates in %, with 95 % intervals; * marks the primary score."
        yield ""
        if shown:
            yield "| | " + " | ".join(column["entrant"]["name"] for column in shown) + " |"
            yield "|---|" + "---:|" * len(shown)
            for name, cells in tables.rows(task):
                yield f"| {name.replace('*', chr(92) + '*')} | " + " | ".join(cells) + " |"
            yield ""
        for line in (*tables.floors_not_beaten(task), *tables.notes(task), *tables.changes(task.get("regression"))):
            yield f"- {line}"
        yield ""
        if rungs := tables.rungs(task):
            yield f"### Lineage {task['lineage']['name']}"
            yield ""
            yield "| | " + " | ".join(rungs) + " |"
            yield "|---|" + "---:|" * len(rungs)
            for name, cells in tables.lineage_rows(task):
                yield f"| {name.replace('*', chr(92) + '*')} | " + " | ".join(cells) + " |"
            yield ""
            yield from (f"- {line}" for line in tables.lineage_notes(task))
            yield ""
        if pairs := list(tables.references(task)):
            yield "For reference, and deciding nothing (p two-sided, groups not known to them):"
            yield ""
            yield "| | " + " | ".join(tables.REFERENCES) + " |"
            yield "|---|" + "---:|" * len(tables.REFERENCES)
            yield from ("| " + " | ".join(row) + " |" for row in pairs)
            yield ""
        for status, sentence in tables.verdict_lines(task):
            yield f"**{sentence}**" if status else sentence
            yield ""
    environment = ", ".join(f"{key} {value}" for key, value in run["environment"].items())
    yield f"Run {run['id']}: `{run['command']}` ({environment})."
