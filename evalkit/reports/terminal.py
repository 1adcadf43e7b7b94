"""A run on the terminal: one table a task, then the verdict with its reasons."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from io import StringIO

from rich.console import Console
from rich.table import Table
from rich.text import Text

from evalkit.judging import wording
from evalkit.judging.no_verdict import why_none
from evalkit.reports import notes, view
from evalkit.reports.page import PAGE, Page
from evalkit.runs.record import Rows, Run, TaskResult, no_rows

_COLORS = {"SHIP": "bold green", "BLOCK": "bold red", "INCONCLUSIVE": "bold yellow"}


def render(run: Run, _rows: Rows = no_rows, page: Page = PAGE) -> Iterator[str]:
    """The run as text; sentences are wrapped at the width of the page."""
    for task in run.tasks:
        yield _printed(page, partial(_print_task, task=task, width=page.width))
    yield f"run {run.id}; one answer: evalkit show {run.id} EXAMPLE\n"


def render_lineage(run: Run, page: Page = PAGE) -> Iterator[str]:
    """The lineages of the run alone, as text."""
    for task in run.tasks:
        yield _printed(page, partial(_print_lineage_alone, task=task, width=page.width))


def _printed(page: Page, write: Callable[[Console], None]) -> str:
    out = StringIO()
    write(_console(out, page.color))
    return out.getvalue()


def _print_task(console: Console, task: TaskResult, width: int) -> None:
    if task.whole:
        console.print(_judged(task))
    for line in (*notes.floors_not_beaten(task), *notes.notes(task)) if task.whole else ():
        console.print(Text(f"- {line}"), width=width)
    if models := view.related(task):
        console.print(_table(view.relations_heading(task), dict.fromkeys(models, ""), view.relation_rows(task)))
    for candidate, names, rows in view.rival_tables(task):
        console.print(_table(view.rivals_heading(candidate), dict.fromkeys(names, ""), rows))
    for sentence in notes.picks(task):
        console.print(Text(sentence), width=width)
    _print_lineage(console, task, width)
    for line in notes.changes(task.regression):
        console.print(Text(f"- {line}"), width=width)
    for status, sentence in notes.verdict_lines(task):
        console.print(Text(f"{task.task} · {sentence}", style=_COLORS.get(status, "")), width=width)


def _print_lineage_alone(console: Console, task: TaskResult, width: int) -> None:
    _print_lineage(console, task, width)
    if lineage := task.lineage:
        sentence = f"{task.task} · {wording.lineage(lineage, why_none(task.split, task.frozen))}"
        console.print(Text(sentence, style=_COLORS.get(lineage.status or "", "")), width=width)


def _console(out: StringIO, color: bool) -> Console:
    # A table that is wider than the terminal is better than one whose figures are broken in two.
    return Console(
        file=out, width=500, force_terminal=color, no_color=not color, highlight=False, markup=False, emoji=False
    )


def _print_lineage(console: Console, task: TaskResult, width: int) -> None:
    if task.lineage is not None:
        console.print(_lineage(task, task.lineage.name))
    for line in notes.lineage_notes(task):
        console.print(Text(f"- {line}"), width=width)


def _judged(task: TaskResult) -> Table:
    title = f"{notes.heading(task)} (rates in %, 95 % intervals; * primary)"
    columns = {model_run.name: "dim" if model_run.participant.role == "floor" else "" for model_run in view.shown(task)}
    return _table(title, columns, view.rows(task))


def _lineage(task: TaskResult, name: str) -> Table:
    title = f"lineage {name}: rates in %, change from the rung's parent in points; * primary"
    return _table(title, dict.fromkeys(view.rungs(task), ""), view.lineage_rows(task))


def _table(title: str, columns: Mapping[str, str], rows: Iterable[tuple[str, Sequence[str]]]) -> Table:
    """``columns`` have a style each."""
    table = Table(title=title, title_justify="left", pad_edge=False)
    table.add_column("")
    for name, style in columns.items():
        table.add_column(name, justify="right", style=style, overflow="fold")
    for name, cells in rows:
        table.add_row(name, *cells)
    return table
