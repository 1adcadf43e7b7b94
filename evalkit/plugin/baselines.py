"""The options about baselines, and what is wrong about them before a model is asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from evalkit.golden.model import Task
    from evalkit.judging.baseline import BaselineOptions
    from evalkit.session.session import EvalSession

_DEFAULT = "main"

NOTHING_RUN = "no golden test was run: there is nothing to compare with a baseline, or to save as one"
"""What a session has to say that was to do something about baselines and did not come to it."""


def add_options(group: pytest.OptionGroup) -> None:
    """Adds ``--baseline``, ``--strict-baseline`` and ``--save-baseline``."""
    group.addoption("--baseline", metavar="NAME", help="compare the one --backend with golden/baselines/TASK/NAME.json")
    group.addoption("--strict-baseline", action="store_true", help="with --baseline: every single loss is red")
    group.addoption(
        "--save-baseline", nargs="?", const=_DEFAULT, metavar="NAME",
        help=f"save the scores of the one --backend as that baseline (--save-baseline=NAME; default: {_DEFAULT})",
    )  # fmt: skip


def given(config: pytest.Config) -> bool:
    """Whether any of the options was given."""
    named = (config.getoption("baseline"), config.getoption("save_baseline"))
    return named != (None, None) or bool(config.getoption("strict_baseline"))


def wanted(config: pytest.Config) -> BaselineOptions:
    """What the options ask for."""
    from evalkit.judging.baseline import BaselineOptions

    compare, save = config.getoption("baseline"), config.getoption("save_baseline")
    return BaselineOptions(compare, save, config.getoption("strict_baseline"))


def check_spelling(config: pytest.Config) -> None:
    """Raises UsageError where ``--save-baseline`` took the argument after it, a folder as a rule, for its name."""
    name = config.getoption("save_baseline")
    if "--save-baseline" in config.invocation_params.args and name != _DEFAULT:
        raise pytest.UsageError(
            f"--save-baseline took {name!r} for its name: write --save-baseline=NAME, or put it last"
        )


def check(config: pytest.Config, session: EvalSession) -> None:
    """Raises SetupError where what the options ask for can't be done."""
    from evalkit.golden.loader import find_tasks
    from evalkit.judging import baseline as baselines

    tasks = find_tasks(session.golden)
    baselines.check(wanted(config), session.golden, tasks, session.participants.backends, session.split)


def check_task(config: pytest.Config, session: EvalSession, task: Task) -> None:
    """Raises SetupError where ``task`` has no baseline of the name that another task has."""
    name = config.getoption("baseline")
    if name is not None:
        from evalkit.judging.baseline import find

        find(session.golden, task.name, name)
