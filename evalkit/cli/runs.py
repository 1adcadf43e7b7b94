"""Commands about stored runs: show, score again, report, compare, follow."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from evalkit._internal.counts import abbreviate, counted
from evalkit._internal.registry import names
from evalkit.cli.project import opened_answers, opened_runs, say, say_report
from evalkit.errors import ConfigError, UnknownName
from evalkit.models.config import Config
from evalkit.reports.page import Page

if TYPE_CHECKING:
    from evalkit.judging.answer import Answer
    from evalkit.runs.record import Participation, Run, TaskResult
    from evalkit.runs.requests import TaskRequest
    from evalkit.runs.store import RunStore


@click.command()
@click.argument("run")
@click.argument("example")
@click.option("--backend", help="Only this backend's answer (all of the run, without it).")
@click.pass_obj
def show(config: Config, run: str, example: str, backend: str | None) -> None:
    """Print prompt, raw answer, defects and scores of EXAMPLE in RUN (an id, its beginning, or "latest")."""
    from evalkit.judging.book import AnswerBook
    from evalkit.runs.rescore import askable, reload_task

    with opened_runs(config) as runs, opened_answers(config) as store:
        places = list(_places(runs, run, example, backend))
        kept = store.get(attempt for _, part, key in places for attempt in part.attempts(key))
    books: dict[str, AnswerBook] = {}
    for request, part, key in places:
        if request.task not in books:
            golden = reload_task(config, request.task)
            books[request.task] = AnswerBook(golden, askable(golden, request.split), lambda _: kept)
        book = books[request.task]
        if example not in book.examples:
            remedy = f"It was in {book.task.folder} when the run was made."
            raise UnknownName("example", example, book.examples, remedy)
        attempts = part.attempts(key)
        for number, attempt in enumerate(attempts, start=1):
            if attempt not in kept:
                raise UnknownName("stored answer", attempt, (), f"{config.store} had it when the run was made.")
            answer = book.sample(part.name, example, attempt)
            which = f", sample {answer.request.sample}" if len(part.keys[example]) > 1 else ""
            which += f", attempt {number} of {len(attempts)}" if len(attempts) > 1 else ""
            say(f"== {part.name} ({part.participant.spec}) on {request.task}, {answer.example.where}{which}")
            _show(answer)


def _show(answer: Answer) -> None:
    """Prints one attempt at an answer: what was asked, what came, and what it is worth."""
    sent, completion = answer.request, answer.completion
    rendered = completion.rendered or "\n".join(f"[{m.role}] {m.content}" for m in sent.messages)
    say(f"-- prompt, as the model read it\n{rendered}")
    count = completion.completion_tokens
    tokens = "tokens not counted" if count is None else counted(count, "token")
    say(f"-- answer (finish: {completion.finish_reason}, {tokens})")
    say(sent.prefill + completion.text)
    say(f"-- expected\n{json.dumps(dict(answer.example.expected), ensure_ascii=False)}")
    say(f"-- defects: {', '.join(answer.defects) or 'none'}")
    for score in answer.scores.values():
        say(f"   {score!r}")
    say("")


def _places(
    runs: RunStore, name: str, example: str, backend: str | None
) -> Iterator[tuple[TaskRequest, Participation, str]]:
    """Where the answers to ``example`` are stored: of ``backend``, else of every model that is no floor."""
    from evalkit.runs.requests import load_requests

    table = runs.table(name)
    requests = load_requests(table, lambda task=None, model=None: runs.rows(table["id"], task, model, example))
    participations = [(request, part) for request in requests for part in request.participations]
    models = {part.name for _, part in participations}
    if backend is not None and backend not in models:
        raise UnknownName("backend of this run", backend, models)
    places = [
        (request, part, key)
        for request, part in participations
        if (part.name == backend if backend else part.role != "floor")
        for key in part.keys.get(example, ())
    ]
    if not places:
        everything = load_requests(table, lambda *only: runs.rows(table["id"], *only))
        examples = {name for request in everything for part in request.participations for name in part.keys}
        raise UnknownName("example of this run", example, examples)
    yield from places


@click.command()
@click.argument("run")
@click.pass_obj
def rescore(config: Config, run: str) -> None:
    """Score RUN's stored answers again by the task as it stands now, without asking a model. Exits as a gate."""
    from evalkit.reports.terminal import render
    from evalkit.runs.rescore import rescore as score_again
    from evalkit.session.finish import exit_code

    with opened_runs(config) as runs, opened_answers(config) as store:
        again = score_again(config, store, runs, run)
        if not (read_only := runs.read_only):
            runs.save(again.run, again.rows())
    for warning in again.warnings:
        say(warning, err=True)
    say_report(render(again.run, page=_page()))
    if read_only:
        say(f"{config.store}: it can't be written to: {again.run.id} is shown here and is not stored", err=True)
    sys.exit(exit_code(list(again.run.tasks), config))


def _page(details: bool = False) -> Page:
    """The terminal that a report is written to; of a file nothing is known."""
    color = sys.stdout.isatty()
    return Page(shutil.get_terminal_size().columns if color else Page().width, color, details)


class ReportName(click.ParamType[str]):
    """The name of a report, which may come from an outside package: they are looked for when they are needed."""

    name = "report"

    def get_metavar(self, *_: object, **__: object) -> str:
        return f"[{'|'.join(sorted(names('reports')))}]"

    def convert(self, value: str, param: click.Parameter | None, context: click.Context | None) -> str:
        if value not in names("reports"):
            self.fail(str(UnknownName("report", value, names("reports"))), param, context)
        return value


@click.command()
@click.argument("run", default="latest")
@click.option("--format", "form", type=ReportName(), default="terminal", help="The report to render it as.")
@click.option("-v", "--verbose", "--slices", "details", is_flag=True, help="In the terminal: all that the run says.")
@click.pass_obj
def report(config: Config, run: str, form: str, details: bool) -> None:
    """Render a stored RUN (the latest, without one)."""
    from evalkit.reports.report import render

    with opened_runs(config) as runs:
        stored = runs.run(run)
        say_report(render(form, stored, lambda *only: runs.rows(stored.id, *only), _page(details)))


@click.command()
@click.argument("before")
@click.argument("after")
@click.option("--backend", "backends", multiple=True, help="One model of both runs; given twice, one of each.")
@click.pass_obj
def compare(config: Config, before: str, after: str, backends: tuple[str, ...]) -> None:
    """Say what a model lost from run BEFORE to run AFTER, as pytest --baseline does. Exits as a gate."""
    from evalkit.judging import wording
    from evalkit.judging.baseline import take
    from evalkit.judging.regression import compare as beside
    from evalkit.reports.notes import changes
    from evalkit.runs.compare import in_both, scored_model
    from evalkit.runs.rescore import reload_task
    from evalkit.session.finish import code_of

    regressions = []
    with opened_runs(config) as runs:
        first, second = runs.run(before), runs.run(after)
        for then, candidate, now, other in in_both(first, second, backends):
            hypotheses = reload_task(config, now.task).hypotheses
            earlier = scored_model(then, candidate, runs.rows(first.id, task=then.task))
            later = scored_model(now, other, runs.rows(second.id, task=now.task))
            baseline = take(f"run {first.id}", earlier, first.created)
            regression = beside(baseline, later, hypotheses, config.baseline_margin)
            for line in changes(regression):
                say(f"- {line}")
            say(f"{now.task} · {wording.regression(regression)}")
            regressions.append(regression)
    sys.exit(code_of(((item.status, item.open) for item in regressions), config))


@click.command()
@click.argument("name")
@click.argument("run", required=False)
@click.pass_obj
def lineage(config: Config, name: str, run: str | None) -> None:
    """Print the lineage NAME of a stored RUN (the latest that followed it, without one). Exits as a gate."""
    from evalkit.reports.terminal import render_lineage
    from evalkit.session.finish import code_of

    latest: Run | None = None
    tasks: list[TaskResult] = []
    with opened_runs(config) as runs:
        for candidate in [runs.run(run)] if run else runs.runs():
            following = [task for task in candidate.tasks if task.lineage is not None and task.lineage.name == name]
            if following:
                latest, tasks = candidate, following
    if latest is None:
        if name not in config.lineages:
            raise UnknownName("lineage", name, config.lineages)
        where = f"run {run} does not follow" if run else "no stored run follows"
        raise ConfigError(f"{where} the lineage {name}; pytest --lineage={name} makes one that does")
    say_report(render_lineage(latest, _page()))
    lineages = [(task, task.lineage) for task in tasks if task.lineage is not None]
    if any(
        model_run.unanswered and model_run.name in lineage.rungs
        for task, lineage in lineages
        for model_run in task.model_runs
    ):
        sys.exit(1)  # as pytest did: what died is not held to have lost nothing
    sys.exit(code_of(((lineage.status, lineage.open) for _, lineage in lineages), config))


@click.command()
@click.argument("task")
@click.option("--score", help="The score to follow (the primary one, without it).")
@click.option("--backend", help="Only this model, whatever it was in the run (every tested one, without it).")
@click.option("--format", "form", type=click.Choice(["terminal", "json"]), default="terminal")
@click.pass_obj
def history(config: Config, task: str, score: str | None, backend: str | None, form: str) -> None:
    """Follow a score of TASK over the stored runs, the oldest first."""
    from evalkit.reports.history import render
    from evalkit.runs import history as past

    with opened_runs(config) as runs:
        score_history = past.history(runs.runs(), task, score, backend)
        older = runs.older()
    say(json.dumps(asdict(score_history), indent=1) if form == "json" else render(score_history).rstrip("\n"))
    if older:
        it = "them" if len(older) > 1 else "it"
        say(
            f"left out: {counted(len(older), 'run')} that an older evalkit stored ({abbreviate(older)}): "
            f"`evalkit rescore RUN` makes {it} anew",
            err=True,
        )
