"""Commands about golden data: freeze it, look for what is wrong with it, make a broken relation small."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from secrets import token_hex
from typing import TYPE_CHECKING

import click

from evalkit._internal.counts import counted
from evalkit.cli.project import say, task_folders
from evalkit.errors import ConfigError, FrozenError, GoldenError, Problem, UnknownName
from evalkit.models.config import Config

if TYPE_CHECKING:
    from evalkit.golden.lints.finding import Finding
    from evalkit.golden.model import Task


@click.command()
@click.argument("task", required=False)
@click.option("--renew", is_flag=True, help="Retire TASK's test split into its train split; then write a new one.")
@click.pass_obj
def freeze(config: Config, task: str | None, renew: bool) -> None:
    """Write checksums, counts and the date of TASK's splits (of every task, without one)."""
    from evalkit.golden import freeze as frozen
    from evalkit.golden.loader import load_task

    if renew:
        if task is None:
            raise ConfigError("--renew: name the task whose test split is to be retired")
        folder = task_folders(config, [task])[task]
        count = frozen.renew(folder, load_task(folder, verify=False).splits)
        click.echo(
            f"{task}: {counted(count, 'example')} went from test.jsonl to train.jsonl. Write a new test.jsonl, then: "
            f"evalkit freeze {task}"
        )
        return
    for folder in task_folders(config, [task] if task else ()).values():
        loaded = load_task(folder, verify=False)
        path = frozen.freeze(folder, loaded.splits, _plan(loaded))
        counts = ", ".join(f"{split} {len(examples)}" for split, examples in loaded.splits.items())
        click.echo(f"{path.relative_to(config.root)}: {counts}")
        click.echo(f"{loaded.name}: {_planned(loaded)}")


def _plan(task: Task) -> int | None:
    """How many candidates to plan: what task.toml says, else what is frozen, else a proposal."""
    from evalkit.golden import freeze as frozen
    from evalkit.judging.look_plan import proposed_looks

    return task.planned_looks or (None if frozen.planned(task.folder) else proposed_looks(task))


def _planned(task: Task) -> str:
    """What the plan comes to: the looks, the level, and whether the split can show the margins that are declared."""
    from evalkit.golden.looks import Look
    from evalkit.judging.look_plan import planned_looks, rivals_to_show

    look = Look(1, planned_looks(task))
    with_them = f", {' and '.join(rivals)} among them" if (rivals := sorted(rivals_to_show(task))) else ""
    plan = (
        f"planned for {counted(look.planned, 'look')}{with_them}, each at the one-sided level {look.alpha:.3g} "
        f"(0.025 / {look.planned}); [looks] planned in task.toml says another number"
    )
    return "".join([plan, *(f"; {needed}" for needed in _needed(task, look.alpha))])


def _needed(task: Task, alpha: float) -> Iterator[str]:
    """How many examples each declared margin takes, beside how many there are."""
    from evalkit.judging.look_plan import needed_for_margins

    groups = len({example.group for example in task.splits.get("test", ())})
    for margin, needed in needed_for_margins(task, alpha).items():
        enough = "no number of examples" if needed is None else counted(needed, "independent example")
        yield f"a margin of {100 * margin:g} points takes {enough} for power 0.8 at 5 % flips (test has {groups})"


def _changes(task: Task) -> Iterator[Finding]:
    """That a split is no longer what was frozen. A session holds its tasks against that when it reads them."""
    from evalkit.golden import freeze as frozen
    from evalkit.golden.lints.finding import Finding

    try:
        frozen.verify(task.folder, task.splits)
    except FrozenError as error:
        changes = "; ".join(line.strip() for line in error.changes)
        what = f"not what was frozen: {changes}"
        yield Finding("error", task.place(frozen.FILE), what, frozen.remedy(task.folder), "frozen")


@click.command()
@click.argument("tasks", nargs=-1, metavar="[TASK]...")
@click.option("--notes", is_flag=True, help="Print the notes too, which ask for nothing, and what was waived.")
@click.pass_obj
def lint(config: Config, tasks: tuple[str, ...], notes: bool) -> None:
    """Check every TASK (all of them, without one): contract, prompts, what was frozen, examples. Asks no model.

    Exits with 1 where a finding is neither a note nor waived, with 4 where a task can't be used as it stands.
    """
    from evalkit.golden.lints.waivers import lint as findings_of
    from evalkit.golden.loader import load_task
    from evalkit.session.plan import RequestPlan

    plans = [RequestPlan(config, split, samples=1, rungs=()) for split in ("test", "dev")]
    open_count = 0
    problems: list[Problem] = []
    for name, folder in task_folders(config, tasks).items():
        try:
            task = load_task(folder, verify=False)
        except GoldenError as error:
            problems += error.problems
            continue
        unrendered = [problem for plan in plans if (problem := plan.problem(task))]
        problems += dict.fromkeys(unrendered)  # a prompt may fail on both splits in the same words
        findings = [*_changes(task), *findings_of(task)]
        counting = [finding for finding in findings if finding.counts]
        for finding in findings if notes else counting:
            say(repr(finding))
        waived = sum(bool(finding.waived) for finding in findings)
        say(f"{name}: {counted(len(counting), 'finding')}, {waived} waived")
        open_count += len(counting)
    if problems:
        raise GoldenError(problems)
    sys.exit(1 if open_count else 0)


@click.command()
@click.argument("task")
@click.argument("perturbed", metavar="EXAMPLE~RELATION")
@click.option("--backend", help="The model that is asked (default: that of pyproject.toml).")
@click.option("--split", type=click.Choice(["test", "dev"]), default="test", help="The split of the example.")
@click.option("--budget", type=int, default=80, help="Answers that may be asked for, at most (default: 80).")
@click.pass_obj
def shrink(config: Config, task: str, perturbed: str, backend: str | None, split: str, budget: int) -> None:
    """Find the smallest form of a changed example on which its relation does not hold, asking the model again and
    again."""
    from evalkit.judging.minimize import shrink as find_smallest
    from evalkit.session.options import SessionOptions
    from evalkit.session.session import EvalSession

    options = SessionOptions(backends=(backend,) if backend else (), split=split)
    session = EvalSession(config, options, f"shrink-{token_hex(4)}")
    try:
        session.participants.need_backend()
        golden, name = session.task(task), session.participants.named[0]
        choices = session.perturbed(golden)
        if perturbed not in choices:
            raise UnknownName(
                "perturbed example", perturbed, choices, f"Those of [relations.<name>] in {golden.place('task.toml')}."
            )
        smallest = find_smallest(
            golden, name, choices[perturbed], lambda example: session.ask_again(golden, name, example), budget
        )
    finally:
        session.close()
    before, after = (
        json.dumps(dict(example.input), ensure_ascii=False)
        for example in (smallest.perturbed.of, smallest.perturbed.example)
    )
    say(f"{smallest.held!r}\nBefore, asked {before}:\n  {smallest.before.text}")
    say(f"After, asked {after}:\n  {smallest.after.text}")
    end = ": all of the budget; more may make it smaller" if smallest.unfinished else ""
    say(counted(smallest.answers, "answer") + end)
