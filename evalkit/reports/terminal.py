"""A run on the terminal: the verdict with its reasons, then the figures that it rests on.

The short form has one table, the weakest kinds of input and a few misses. With ``details`` everything that a run says
stands there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from io import StringIO

from rich.console import Console
from rich.table import Table
from rich.text import Text

from evalkit._internal.outside_text import one_line
from evalkit.judging import wording
from evalkit.judging.confusion import Confusion
from evalkit.judging.no_verdict import why_none
from evalkit.reports import brief, notes, view, weak_spots
from evalkit.reports.fitted import SIDE, cut_table, fitted, plain_table, wide
from evalkit.reports.page import PAGE, Page
from evalkit.runs.record import ModelRun, Rows, Run, TaskResult, no_rows

_COLORS = {"SHIP": "bold green", "BLOCK": "bold red", "INCONCLUSIVE": "bold yellow"}


_AT_THE_END = re.compile(r"[ ]+$", re.MULTILINE)


def render(run: Run, rows: Rows = no_rows, page: Page = PAGE) -> Iterator[str]:
    """The run as text; sentences are wrapped at the width of the page."""
    for number, task in enumerate(run.tasks):
        if number and not page.details:
            yield "\n"
        write = _print_task if page.details else partial(_print_brief, rows=rows)
        yield _printed(page, partial(write, task=task, page=page))
    yield "" if page.details else "\n"
    if page.left_out is not None:
        yield f"{notes.left_out(page.left_out)}\n"
    yield f"run {run.id}; one answer: evalkit show {run.id} EXAMPLE\nall misses: evalkit misses {run.id}\n"


def render_lineage(run: Run, page: Page = PAGE) -> Iterator[str]:
    """The lineages of the run alone, as text."""
    for task in run.tasks:
        yield _printed(page, partial(_print_lineage_alone, task=task, width=page.width))


def _printed(page: Page, write: Callable[[Console], None]) -> str:
    out = StringIO()
    write(_console(out, page.color))
    return _AT_THE_END.sub("", out.getvalue())


def _print_brief(console: Console, task: TaskResult, page: Page, rows: Rows) -> None:
    """What a tired person must see: who ships and why not, one table, where it is weak, and a few misses."""
    width = page.width
    standings = list(brief.standings(task))
    for standing in standings:
        console.print(_text(standing.line, style=_COLORS.get(standing.status, "")), width=width)
        for reason in standing.reasons:
            _print_item(console, reason, width)
    _print_sentences(console, task, notes.standing_lines(task) if standings else notes.verdict_lines(task), width)
    if task.whole:
        made = fitted(console, brief.columns(task), brief.rows(task), width, plain_table)
        _print_plain(console, f"{notes.heading(task)}\n{brief.LEGEND}", made, width)
        if measured := list(brief.measurements(task)):
            tested = dict.fromkeys(brief.tested(task), "")
            _print_plain(console, "", fitted(console, tested, measured, width, plain_table), width)
        console.print()
        for line in brief.remarks(task):
            _print_item(console, line, width)
        for missed in brief.misses(task, rows):
            columns = [brief.misses_heading(missed), *brief.MISS_COLUMNS]
            _print_plain(console, "", [cut_table(console, columns, brief.miss_rows(task, missed), width)], width)
    _print_asked_for(console, task, width)


def _print_task(console: Console, task: TaskResult, page: Page) -> None:
    """The verdicts first; then what they rest on, and where the tested models are weak."""
    width = page.width
    _print_sentences(console, task, notes.verdict_lines(task), width)
    if task.whole:
        title = f"{notes.heading(task)} (rates in %, 95 % intervals; * primary)"
        shown = view.shown(task)
        sides = (SIDE if one.participant.role == "floor" else "" for one in shown)
        styles = dict(zip(view.columns(task, (one.name for one in shown)), sides, strict=True))
        _print_table(console, title, styles, view.rows(task), width)
        for line in (*notes.floors_not_beaten(task), *notes.notes(task)):
            _print_item(console, line, width)
        _print_weak_spots(console, task, page)
    _print_asked_for(console, task, width)


def _print_asked_for(console: Console, task: TaskResult, width: int) -> None:
    """What is there only where it was asked for: relations, several rivals, a lineage, a baseline."""
    if models := view.related(task):
        heading = view.relations_heading(task)
        _print_table(console, heading, dict.fromkeys(view.columns(task, models), ""), view.relation_rows(task), width)
    for candidate, names, rows in view.rival_tables(task):
        _print_table(console, view.rivals_heading(candidate), dict.fromkeys(names, ""), rows, width)
    for sentence in notes.picks(task):
        console.print(_text(sentence), width=width)
    _print_lineage(console, task, width)
    for line in notes.changes(task.regression):
        _print_item(console, line, width)


def _print_sentences(console: Console, task: TaskResult, lines: Iterable[tuple[str, str]], width: int) -> None:
    for status, sentence in lines:
        console.print(_text(f"{task.task} · {sentence}", style=_COLORS.get(status, "")), width=width)


def _print_item(console: Console, line: str, width: int) -> None:
    """A sentence behind a dash, its further lines under its first."""
    made = Table.grid(padding=(0, 1, 0, 0))
    made.add_row(_text("-"), _text(line))
    console.print(made, width=width)


def _print_weak_spots(console: Console, task: TaskResult, page: Page) -> None:
    """Of every model and field the scores by tag, and the confusion."""
    for model in weak_spots.models(task):
        for table in model.slices:
            if table.slices:
                heading, rows = weak_spots.slices_heading(model, table), weak_spots.slice_rows(table)
                _print_plain(console, heading, [plain_table(weak_spots.SLICE_COLUMNS, rows)], page.width)
            if left := weak_spots.slices_left(table):
                _print_item(console, f"{model.name}, {table.score}: {left}", page.width)
        for item in model.confusions:
            _print_confusion(console, model, item, page.width)


def _print_confusion(console: Console, model: ModelRun, item: Confusion, width: int) -> None:
    if not item.rows:
        console.print(_text(weak_spots.mistakes_heading(model, item)), width=width)
        for line in weak_spots.mistakes(item):
            _print_item(console, line, width)
        return
    for numbered in (False, True):
        columns, rows = weak_spots.confusion_columns(item, numbered), weak_spots.confusion_rows(item, numbered)
        made = plain_table(columns, rows)
        if numbered or wide(console, made) <= width:
            _print_plain(console, weak_spots.confusion_heading(model, item), [made], width)
            return


def _print_lineage_alone(console: Console, task: TaskResult, width: int) -> None:
    _print_lineage(console, task, width)
    if lineage := task.lineage:
        sentence = f"{task.task} · {wording.lineage(lineage, why_none(task.split, task.frozen))}"
        console.print(_text(sentence, style=_COLORS.get(lineage.status or "", "")), width=width)


def _text(line: str, style: str = "") -> Text:
    return Text(one_line(line), style=style)


def _console(out: StringIO, color: bool) -> Console:
    # Tables are cut to the width of the page by columns; a figure is never broken in two.
    return Console(
        file=out, width=500, force_terminal=color, no_color=not color, highlight=False, markup=False, emoji=False
    )


def _print_table(
    console: Console, title: str, columns: Mapping[str, str], rows: Iterable[tuple[str, Sequence[str]]], width: int
) -> None:
    console.print(_text(title), width=width)
    for made in fitted(console, columns, rows, width):
        console.print(made)


def _print_plain(console: Console, title: str, tables: Iterable[Table], width: int) -> None:
    console.print()
    for line in title.splitlines():
        console.print(_text(line), width=width)
    for made in tables:
        console.print(made)


def _print_lineage(console: Console, task: TaskResult, width: int) -> None:
    if task.lineage is not None:
        title = f"lineage {task.lineage.name}: rates in %, change from the rung's parent in points; * primary"
        _print_table(
            console, title, dict.fromkeys(view.columns(task, view.rungs(task)), ""), view.lineage_rows(task), width
        )
    for line in notes.lineage_notes(task):
        _print_item(console, line, width)
