"""Finds the mistakes that can be found before a model is asked: of the options, and of each task that is used."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

from evalkit.errors import ConfigError, GoldenError, LooksError, StoreError
from evalkit.golden import freeze as frozen
from evalkit.golden.ledger_lines import missing
from evalkit.golden.looks import Ledger
from evalkit.golden.model import Task
from evalkit.models.config import Config
from evalkit.runs.look_store import LookStore
from evalkit.session.options import SessionOptions
from evalkit.session.participants import Participants
from evalkit.session.plan import RequestPlan


def check_options(config: Config, options: SessionOptions, participants: Participants) -> None:
    """Raises SetupError for an option that can't be used, whatever the tasks are."""
    participants.check_names()
    if options.samples < 1:
        raise ConfigError(f"--samples={options.samples}: expected 1 or more")
    if options.latency < 0:
        raise ConfigError(f"--latency={options.latency}: expected a number of examples, 1 or more")
    for name in participants.compared if options.sequential else ():
        if config.alias(name).options.get("batch") is True:
            raise ConfigError(f"{name}: a batch can't stop early; take --sequential or the alias's batch away")


def check_task(task: Task, plan: RequestPlan, participants: Participants) -> None:
    """Raises SetupError where ``task`` can't be asked, or judged, in this session: its prompt can't be rendered, it
    lacks the judged split, its looks can't be read, or it declares something of a model that nobody has."""
    problem = plan.problem(task)
    if problem is not None:
        raise GoldenError([problem])
    if not plan.judged(task):
        raise ConfigError(f"{task.folder}: no {plan.split}.jsonl to judge on (--split={plan.split})")
    if plan.split == "test":
        check_looks(task, participants.config)
    for hypothesis in task.hypotheses:
        participants.check_hypothesis(task, hypothesis)


def check_looks(task: Task, config: Config) -> None:
    """Raises LooksError where the ledger of ``task`` is not as it was written, or the plan was raised since."""
    ledger = Ledger.read(task.folder)
    with suppress(StoreError):  # a store that can't be read is told by each answer that it can't give
        if (gone := missing(task.folder, LookStore.known(config.store, task))) is not None:
            raise gone
    frozen_plan = frozen.planned(task.folder)
    noted = [taken.planned for taken in ledger.taken if taken.planned is not None]
    if frozen_plan is not None and noted and frozen_plan > min(noted):
        raise LooksError(
            f"{task.folder / frozen.FILE}: planned_looks is {frozen_plan}, and was {min(noted)} when a look was taken: "
            f"take {min(noted)} back, or retire the split with `evalkit freeze --renew {task.name}` and write a new one"
        )
    if frozen_plan is not None and task.planned_looks not in (None, frozen_plan):
        raise LooksError(
            f"{task.place('task.toml')}: [looks] planned is {task.planned_looks}, and {frozen_plan} is frozen: "
            f"`evalkit freeze {task.name}` takes the new plan where no more are planned than before the first look"
        )


def check_samples(tasks: Iterable[Task], samples: int) -> None:
    """Raises ConfigError where several samples are asked of tasks that are all greedy."""
    if samples > 1 and all(task.decoding.temperature == 0 for task in tasks):
        raise ConfigError(
            f"--samples={samples}: every task is greedy, and greedy answers asked again say nothing new; set "
            f"temperature in [decoding] of task.toml, or take --samples away"
        )
