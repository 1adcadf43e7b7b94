"""What the options about baselines ask for, and what is wrong about them before a model is asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from evalkit.golden.model import Task
    from evalkit.judging.baseline import BaselineOptions
    from evalkit.plugin.options import Options
    from evalkit.session.session import EvalSession

NOTHING_RUN = "no golden test was run: there is nothing to compare with a baseline, or to save as one"
"""What a session has to say that was to do something about baselines and did not come to it."""


def baseline_options(options: Options) -> BaselineOptions:
    """What the options ask for."""
    from evalkit.judging.baseline import BaselineOptions

    return BaselineOptions(options.baseline, options.save_baseline, options.strict_baseline)


def check(options: Options, session: EvalSession) -> None:
    """Raises SetupError where what the options ask for can't be done."""
    from evalkit.golden.loader import find_tasks
    from evalkit.judging import baseline as baselines

    tasks = find_tasks(session.golden)
    baselines.check(baseline_options(options), session.golden, tasks, session.participants.named, session.split)


def check_task(options: Options, session: EvalSession, task: Task) -> None:
    """Raises SetupError where ``task`` has no baseline of the name that another task has."""
    if options.baseline is not None:
        from evalkit.judging.baseline import find

        find(session.golden, task.name, options.baseline)
