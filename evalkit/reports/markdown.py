"""A run as Markdown, ready for a README, a pull request or a job summary."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from evalkit._internal.outside_text import code, html, markdown
from evalkit.judging.confusion import Confusion
from evalkit.reports import notes, view, weak_spots
from evalkit.reports.page import PAGE, Page
from evalkit.runs.record import ModelRun, Rows, Run, TaskResult, no_rows


def render(run: Run, _rows: Rows = no_rows, page: Page = PAGE) -> Iterator[str]:
    """The run as GitHub-flavoured Markdown."""
    yield from _each(run, _whole)
    if page.left_out is not None:
        yield f"\n{notes.left_out(page.left_out)}\n"


def render_scores(run: Run) -> Iterator[str]:
    """Of each task only the table of scores, and what else there is to know of them."""
    return _each(run, _scores)


def render_results(run: Run) -> Iterator[str]:
    """Of each task its table of scores, what it says of its rivals, and its verdicts."""
    return _each(run, lambda task: (*_scores(task), *_rivals(task), *_verdicts(task)))


def render_rivals(run: Run) -> Iterator[str]:
    """Of each task only the tested models beside their rivals, with the verdicts."""
    return _each(run, lambda task: (f"{markdown(notes.heading(task))}.", "", *_rivals(task), *_verdicts(task)))


def render_relations(run: Run) -> Iterator[str]:
    """Of each task only how often its relations hold."""
    return _each(run, _relations)


def render_lineage(run: Run) -> Iterator[str]:
    """Of each task only its lineage."""
    return _each(run, _lineage)


def _each(run: Run, lines_of: Callable[[TaskResult], Iterable[str]]) -> Iterator[str]:
    for task in run.tasks:
        for line in lines_of(task):
            yield f"{line}\n"
    yield f"{_origin(run)}\n"


def _whole(task: TaskResult) -> Iterator[str]:
    yield f"### {markdown(task.title)}"
    yield ""
    yield from _verdicts(task)
    if task.whole or not view.related(task):
        yield from _scores(task)  # of the examples that relations draw alone it would say too much
    yield from _relations(task)
    yield from _rivals(task)
    yield from _lineage(task)
    if pairs := list(view.references(task)):
        yield "For reference, and deciding nothing (p two-sided, groups not known to them):"
        yield ""
        yield from _table(view.REFERENCES, pairs)
    yield from _weak_spots(task)


def _scores(task: TaskResult) -> Iterator[str]:
    models = view.shown(task)
    yield f"{markdown(notes.heading(task))}. Rates in %, with 95 % intervals; * marks the primary score."
    yield ""
    if models:
        yield from _table(view.columns(task, (model_run.name for model_run in models)), view.rows(task))
    for line in (*notes.floors_not_beaten(task), *notes.notes(task), *notes.changes(task.regression)):
        yield f"- {markdown(line)}"
    yield ""


def _weak_spots(task: TaskResult) -> Iterator[str]:
    """Every score by tag and every confusion, folded: a reader opens the model that matters."""
    for model in weak_spots.models(task):
        yield f"<details><summary>{html(model.name)}: scores by tag, and what it takes for what</summary>"
        yield ""
        for table in model.slices:
            if table.slices:
                yield f"{markdown(weak_spots.slices_heading(model, table))}:"
                yield ""
                yield from _table(weak_spots.SLICE_COLUMNS, weak_spots.slice_rows(table))
            if left := weak_spots.slices_left(table):
                yield f"{markdown(table.score)}: {left}."
                yield ""
        for item in model.confusions:
            yield from _confusion(model, item)
        yield "</details>"
        yield ""


def _confusion(model: ModelRun, item: Confusion) -> Iterator[str]:
    heading = weak_spots.confusion_heading if item.rows else weak_spots.mistakes_heading
    yield f"{markdown(heading(model, item))}:"
    yield ""
    if item.rows:
        yield from _table(weak_spots.confusion_columns(item), weak_spots.confusion_rows(item))
    else:
        yield from (f"- {markdown(line)}" for line in weak_spots.mistakes(item))
        yield ""


def _relations(task: TaskResult) -> Iterator[str]:
    if models := view.related(task):
        yield f"{markdown(view.relations_heading(task))}:"
        yield ""
        yield from _table(view.columns(task, models), view.relation_rows(task))


def _rivals(task: TaskResult) -> Iterator[str]:
    for candidate, names, rows in view.rival_tables(task):
        yield f"{markdown(view.rivals_heading(candidate))}:"
        yield ""
        yield from _table(names, rows)
    for sentence in notes.picks(task):
        yield markdown(sentence)
        yield ""


def _verdicts(task: TaskResult) -> Iterator[str]:
    for status, sentence in notes.verdict_lines(task):
        yield f"**{markdown(sentence)}**" if status else markdown(sentence)
        yield ""


def _lineage(task: TaskResult) -> Iterator[str]:
    if task.lineage is not None:
        yield f"#### Lineage {markdown(task.lineage.name)}"
        yield ""
        yield from _table(view.columns(task, view.rungs(task)), view.lineage_rows(task))
        yield from (f"- {markdown(line)}" for line in notes.lineage_notes(task))
        yield ""


def _origin(run: Run) -> str:
    environment = ", ".join(f"{key} {value}" for key, value in run.environment.items())
    return f"Run {run.id}: {code(run.command)} ({markdown(environment)})."


def _table(columns: Sequence[str], rows: Iterable[tuple[str, Sequence[str]]]) -> Iterator[str]:
    yield "| | " + " | ".join(map(_cell, columns)) + " |"
    yield "|---|" + "---:|" * len(columns)
    for name, cells in rows:
        yield f"| {_cell(name)} | " + " | ".join(map(_cell, cells)) + " |"
    yield ""


def _cell(text: str) -> str:
    return markdown(text, cell=True)
