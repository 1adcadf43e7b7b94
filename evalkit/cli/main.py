"""The command line: looks at stored runs, compares them, scores them again, freezes golden data. Pytest judges."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict
from functools import wraps
from importlib import import_module
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING, Any

import click

from evalkit.errors import ConfigError, EvalkitError, UnknownName
from evalkit.models.config import Config, read_config

if TYPE_CHECKING:
    from evalkit.models.cache import Store
    from evalkit.runs.store import RunStore


def _plainly(command: Callable[..., Any]) -> Callable[..., Any]:
    """Errors as one message on standard error and exit code 4, never a traceback."""

    @wraps(command)
    def run(*args: Any, **kwargs: Any) -> Any:
        try:
            return command(*args, **kwargs)
        except EvalkitError as error:
            click.echo(f"evalkit: {error}", err=True)
            sys.exit(4)

    return run


@contextmanager
def _opened(config: Config) -> Iterator[RunStore]:
    from evalkit.runs.store import RunStore

    if not config.store.exists():
        raise ConfigError(f"{config.store}: no run is stored there; run pytest first, or give --root")
    with closing(RunStore(config.store)) as runs:
        yield runs


@contextmanager
def _answers(config: Config) -> Iterator[Store]:
    from evalkit.models.cache import Store

    with closing(Store(config.store)) as store:
        yield store


def _folders(config: Config, wanted: Sequence[str]) -> dict[str, Path]:
    """The golden folders of the ``wanted`` tasks, of all without any."""
    from evalkit.golden.loader import find_tasks

    golden = config.root / config.golden
    folders = find_tasks(golden)
    if not folders:
        raise ConfigError(f"{golden}: no golden task there (a folder with a task.toml)")
    for name in wanted:
        if name not in folders:
            raise UnknownName("task", name, folders)
    return {name: folders[name] for name in wanted or folders}


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="pytest-evalkit")
@click.option("--root", type=click.Path(file_okay=False, path_type=Path), default=".", help="Folder of pyproject.toml.")
@click.pass_context
@_plainly
def main(context: click.Context, root: Path) -> None:
    """evalkit: what a person runs before they ship a fine-tuned model. To judge models, run pytest."""
    context.obj = read_config(root.resolve())


@main.command()
@click.argument("task", required=False)
@click.option("--renew", is_flag=True, help="Retire TASK's test split into its train split; then write a new one.")
@click.pass_obj
@_plainly
def freeze(config: Config, task: str | None, renew: bool) -> None:
    """Write checksums, counts and the date of TASK's splits (of every task, without one)."""
    from evalkit.golden import freeze as frozen
    from evalkit.golden.loader import load_task

    if renew:
        if task is None:
            raise ConfigError("--renew: name the task whose test split is to be retired")
        folder = _folders(config, [task])[task]
        count = frozen.renew(folder, load_task(folder, verify=False).splits)
        click.echo(
            f"{task}: {count} examples went from test.jsonl to train.jsonl. Write a new test.jsonl, then: evalkit "
            f"freeze {task}"
        )
        return
    for folder in _folders(config, [task] if task else ()).values():
        loaded = load_task(folder, verify=False)
        path = frozen.freeze(folder, loaded.splits)
        counts = ", ".join(f"{split} {len(examples)}" for split, examples in loaded.splits.items())
        click.echo(f"{path.relative_to(config.root)}: {counts}")


@main.command()
@click.argument("run")
@click.argument("example")
@click.option("--backend", help="Only this backend's answer (all of the run, without it).")
@click.pass_obj
@_plainly
def show(config: Config, run: str, example: str, backend: str | None) -> None:
    """Print prompt, raw answer, defects and scores of EXAMPLE in RUN (an id, its beginning, or "latest")."""
    from evalkit.judging.book import AnswerBook
    from evalkit.runs.record import load_requests
    from evalkit.runs.rescore import askable, reload_task

    with _opened(config) as runs, _answers(config) as store:
        requests = load_requests(runs.table(run))
        asked_of = [(request, participant) for request in requests for participant in request.participants]
        names = {participant.name for _, participant in asked_of}
        if backend is not None and backend not in names:
            raise UnknownName("backend of this run", backend, names)
        places = [
            (request, participant, key)
            for request, participant in asked_of
            if example in participant.keys
            if (participant.name == backend if backend else participant.role != "floor")
            for key in participant.keys[example]
        ]
        if not places:
            raise UnknownName(
                "example of this run", example, {name for _, participant in asked_of for name in participant.keys}
            )
        kept = store.get(key for _, _, key in places)
    books: dict[str, AnswerBook] = {}
    for request, participant, key in places:
        if request.task not in books:
            golden = reload_task(config, request.task)
            books[request.task] = AnswerBook(golden, askable(golden, request.split), lambda _: kept)
        book = books[request.task]
        if example not in book.examples:
            remedy = f"It was in {book.task.folder} when the run was made."
            raise UnknownName("example", example, book.examples, remedy)
        if key not in kept:
            raise UnknownName("stored answer", key, (), f"{config.store} had it when the run was made.")
        asked, completion = kept[key].request, kept[key].completion
        answer = book.sample(participant.name, example, key)
        rendered = completion.rendered or "\n".join(f"[{m.role}] {m.content}" for m in asked.messages)
        sample = f", sample {asked.sample}" if len(participant.keys[example]) > 1 else ""
        _say(f"== {participant.name} ({participant.spec}) on {request.task}, {answer.example.where}{sample}")
        _say(f"-- prompt, as the model read it\n{rendered}")
        _say(f"-- answer (finish: {completion.finish_reason}, {completion.completion_tokens} tokens)")
        _say(asked.prefill + completion.text)
        _say(f"-- expected\n{json.dumps(dict(answer.example.expected), ensure_ascii=False)}")
        _say(f"-- defects: {', '.join(answer.defects) or 'none'}")
        for score in answer.scores.values():
            _say(f"   {score!r}")
        _say("")


@main.command()
@click.argument("task")
@click.argument("variant", metavar="EXAMPLE~RELATION")
@click.option("--backend", help="The model that is asked (default: that of pyproject.toml).")
@click.option("--split", type=click.Choice(["test", "dev"]), default="test", help="The split of the example.")
@click.option("--budget", type=int, default=80, help="Answers that may be asked for, at most (default: 80).")
@click.pass_obj
@_plainly
def shrink(config: Config, task: str, variant: str, backend: str | None, split: str, budget: int) -> None:
    """Find the smallest form of a changed example on which its relation does not hold, asking the model again and
    again."""
    from evalkit.judging.minimize import shrink as smallest
    from evalkit.session.options import SessionOptions
    from evalkit.session.session import EvalSession

    options = SessionOptions(backends=(backend,) if backend else (), split=split)
    session = EvalSession(config, options, f"shrink-{token_hex(4)}")
    try:
        session.participants.need_backend()
        golden, name = session.task(task), session.participants.named[0]
        known = session.variants(golden)
        if variant not in known:
            raise UnknownName("variant", variant, known, f"Those of [relations.<name>] in {golden.place('task.toml')}.")
        found = smallest(golden, name, known[variant], lambda example: session.ask_again(golden, name, example), budget)
    finally:
        session.close()
    _say(f"{found.held!r}\nBefore, asked {json.dumps(dict(found.variant.of.input), ensure_ascii=False)}:")
    _say(f"  {found.before.text}\nAfter, asked {json.dumps(dict(found.variant.example.input), ensure_ascii=False)}:")
    _say(f"  {found.after.text}")
    _say(f"{found.asked} answers" + (": all of the budget; more may make it smaller" if found.unfinished else ""))


def _say(text: str, err: bool = False) -> None:
    # A model may write half a surrogate pair, which no terminal takes.
    click.echo(text.encode("utf-8", "backslashreplace").decode("utf-8"), err=err)


@main.command()
@click.argument("tasks", nargs=-1, metavar="[TASK]...")
@click.option("--notes", is_flag=True, help="Print the notes too, which ask for nothing, and what was waived.")
@click.pass_obj
@_plainly
def lint(config: Config, tasks: tuple[str, ...], notes: bool) -> None:
    """Look for what is wrong with the examples of each TASK (of every one, without one), asking no model.

    Exits with 1 where a finding is neither a note nor waived.
    """
    from evalkit.golden.lints.waivers import lint as findings_of
    from evalkit.golden.loader import load_task

    open_ones = 0
    for name, folder in _folders(config, tasks).items():
        found = list(findings_of(load_task(folder, verify=False)))
        own = [finding for finding in found if finding.counts]
        for finding in found if notes else own:
            _say(repr(finding))
        waived = sum(bool(finding.waived) for finding in found)
        _say(f"{name}: {len(own)} findings, {waived} waived")
        open_ones += len(own)
    sys.exit(1 if open_ones else 0)


@main.command()
@click.argument("run")
@click.pass_obj
@_plainly
def rescore(config: Config, run: str) -> None:
    """Score RUN's stored answers again by the task as it stands now, without asking a model. Exits as a gate."""
    from evalkit.reports.terminal import render
    from evalkit.runs.rescore import rescore as score_again
    from evalkit.session.finish import exit_code

    with _opened(config) as runs, _answers(config) as store:
        again, warnings = score_again(config, store, runs.table(run))
        runs.save(again)
    for warning in warnings:
        _say(warning, err=True)
    click.echo(render(again, color=sys.stdout.isatty()), nl=False)
    sys.exit(exit_code(list(again.tasks), config))


@main.command()
@click.argument("run", default="latest")
@click.option("--format", "form", type=click.Choice(["terminal", "markdown", "json"]), default="terminal")
@click.pass_obj
@_plainly
def report(config: Config, run: str, form: str) -> None:
    """Render a stored RUN (the latest, without one)."""
    with _opened(config) as runs:
        stored = runs.run(run)
    click.echo(import_module(f"evalkit.reports.{form}").render(stored), nl=False)


@main.command()
@click.argument("before")
@click.argument("after")
@click.option("--backend", "backends", multiple=True, help="One model of both runs; given twice, one of each.")
@click.pass_obj
@_plainly
def compare(config: Config, before: str, after: str, backends: tuple[str, ...]) -> None:
    """Say what a model lost from run BEFORE to run AFTER, as pytest --baseline does. Exits as a gate."""
    from evalkit.judging import wording
    from evalkit.judging.baseline import take
    from evalkit.judging.regression import compare as beside
    from evalkit.reports.view import changes
    from evalkit.runs.compare import in_both, scored_model
    from evalkit.runs.rescore import reload_task
    from evalkit.session.finish import code_of

    with _opened(config) as runs:
        first, second = runs.run(before), runs.run(after)
    regressions = []
    for then, candidate, now, other in in_both(first, second, backends):
        hypotheses = reload_task(config, now.task).hypotheses
        baseline = take(f"run {first.id}", scored_model(then, candidate), first.created)
        regression = beside(baseline, scored_model(now, other), hypotheses, config.baseline_margin)
        for line in changes(regression):
            _say(f"- {line}")
        _say(f"{now.task} · {wording.regression(regression)}")
        regressions.append(regression)
    sys.exit(code_of(((one.status, one.open) for one in regressions), config))


@main.command()
@click.argument("name")
@click.argument("run", required=False)
@click.pass_obj
@_plainly
def lineage(config: Config, name: str, run: str | None) -> None:
    """Print the lineage NAME of a stored RUN (the latest that followed it, without one). Exits as a gate."""
    from evalkit.reports.terminal import render_lineage
    from evalkit.session.finish import code_of

    with _opened(config) as runs:
        candidates = [runs.run(run)] if run else list(runs.runs())
    followed = [
        [task for task in candidate.tasks if task.lineage is not None and task.lineage.name == name]
        for candidate in candidates
    ]
    matches = [(candidate, tasks) for candidate, tasks in zip(candidates, followed, strict=True) if tasks]
    if not matches:
        raise UnknownName("lineage of a stored run", name, config.lineages, f"Run pytest --lineage={name} first.")
    latest, tasks = matches[-1]
    _say(render_lineage(latest, color=sys.stdout.isatty()).rstrip("\n"))
    lineages = [(task, task.lineage) for task in tasks if task.lineage is not None]
    if any(
        model_run.unanswered and model_run.name in lineage.rungs
        for task, lineage in lineages
        for model_run in task.model_runs
    ):
        sys.exit(1)  # as pytest did: what died is not held to have lost nothing
    sys.exit(code_of(((lineage.status, lineage.open) for _, lineage in lineages), config))


@main.command()
@click.argument("task")
@click.option("--score", help="The score to follow (the primary one, without it).")
@click.option("--backend", help="Only this model, whatever it was in the run (every tested one, without it).")
@click.option("--format", "form", type=click.Choice(["terminal", "json"]), default="terminal")
@click.pass_obj
@_plainly
def history(config: Config, task: str, score: str | None, backend: str | None, form: str) -> None:
    """Follow a score of TASK over the stored runs, the oldest first."""
    from evalkit.reports.history import render
    from evalkit.runs import history as past

    with _opened(config) as runs:
        found = past.history(runs.runs(), task, score, backend)
    _say(json.dumps(asdict(found), indent=1) if form == "json" else render(found).rstrip("\n"))


@main.command("merge-check")
@click.argument("base", type=click.Path(path_type=Path))
@click.argument("adapter", type=click.Path(path_type=Path))
@click.argument("merged", type=click.Path(path_type=Path))
@click.option("--format", "form", type=click.Choice(["terminal", "json"]), default="terminal")
@_plainly
def merge_check(base: Path, adapter: Path, merged: Path, form: str) -> None:
    """Say whether MERGED (a safetensors folder or a .gguf) is BASE plus the PEFT LoRA ADAPTER. Runs no model."""
    from evalkit.models.weights.merge_check import check_merge
    from evalkit.reports.merge import render

    report = check_merge(base, adapter, merged)
    _say(json.dumps(asdict(report), indent=1) if form == "json" else render(report).rstrip("\n"))
    sys.exit(0 if report.whole else 1)


if __name__ == "__main__":
    main()
