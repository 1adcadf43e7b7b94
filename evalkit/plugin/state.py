"""What the plugin's parts share: the state of one session in one process, and what a golden test is about."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING

import pytest

from evalkit._internal.toml import find_project
from evalkit.plugin.options import SHORT_OPTIONS, Options, spell

if TYPE_CHECKING:
    from evalkit.session.finish import FinishedRun
    from evalkit.session.plan import Selection
    from evalkit.session.session import EvalSession

ASKING = ("answer", "verdict", "comparison", "relation")
"""The fixtures that models must answer for."""

FIXTURES = (*ASKING, "merge", "finding")
"""The fixtures that a golden test is parametrized over, one of them each."""


@dataclass(frozen=True, slots=True)
class Project:
    """The folder whose pyproject.toml has ``[tool.evalkit]``, None without; and the short options that are not ours."""

    root: Path | None = None
    taken: tuple[str, ...] = ()

    def spell(self, message: object) -> str:
        """``message`` with options as they can be typed here: without a table there are no short ones."""
        return spell(str(message), SHORT_OPTIONS if self.root is None else self.taken)


PROJECT = pytest.StashKey[Project]()
"""Found before the command line is parsed for good: whether there are short options depends on it."""


def find_root(config: pytest.Config, args: Sequence[str]) -> Path | None:
    """The project at hand: searched upwards from the folders of ``args``, from where pytest was called, from rootdir.

    A pytest.ini further down, which makes its folder pytest's rootdir, does not hide it.
    """
    invoked = config.invocation_params.dir
    places = [invoked / arg.partition("::")[0] for arg in args]
    if not args:
        places = [config.rootpath / path for path in config.getini("testpaths")]
    folders = [place if place.is_dir() else place.parent for place in places if place.exists()]
    roots = map(find_project, dict.fromkeys((*folders, invoked, config.rootpath)))
    return next((root for root in roots if root is not None), None)


def _new_identity() -> str:
    return f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{token_hex(2)}"


@dataclass(slots=True)
class State:
    """What the plugin remembers in one process of one pytest session.

    ``identity`` is the same in all processes of the session. ``golden`` are the ids of the selected tests of
    examples, ``ended`` how each test ended. ``misused`` is set when a mark can't be used as it stands.
    ``without_model`` are the ids of tests for which no model is there, nor anything else that they are about.
    ``unusable`` says which models answered nothing, so that no test is run.
    """

    options: Options
    project: Project
    identity: str = field(default_factory=_new_identity)
    session: EvalSession | None = None
    selection: Selection = field(default_factory=dict)
    golden: list[str] = field(default_factory=list)
    ended: dict[str, str] = field(default_factory=dict)
    misused: bool = False
    without_model: set[str] = field(default_factory=set)
    finished_run: FinishedRun | None = None
    trouble: str = ""
    unusable: str = ""

    def outcomes(self) -> Counter[str]:
        """How the tests of examples ended; "not run" where one stopped early."""
        return Counter(self.ended.get(name, "not run") for name in self.golden)


STATE = pytest.StashKey[State]()


def eval_session(config: pytest.Config) -> EvalSession:
    """This process's evalkit session, made at first use. Raises UsageError where it can't be made."""
    state = config.stash[STATE]
    if state.session is None:
        from evalkit.errors import SetupError
        from evalkit.models.config import read_config
        from evalkit.session.options import SessionOptions
        from evalkit.session.session import EvalSession

        given = state.options
        options = SessionOptions(
            backends=tuple(given.backend),
            against=tuple(given.against),
            split=given.split,
            samples=given.samples,
            lineage=given.lineage,
            max_cost=given.max_cost,
            latency=given.latency,
            sequential=given.sequential,
        )
        try:
            state.session = EvalSession(read_config(state.project.root or config.rootpath), options, state.identity)
        except SetupError as error:
            raise pytest.UsageError(state.project.spell(error)) from error
    return state.session


def is_worker(config: pytest.Config) -> bool:
    """Whether this is a process that xdist has started."""
    return hasattr(config, "workerinput")


@dataclass(frozen=True, slots=True)
class TestTarget:
    """What one golden test is about: a parameter of one of ``FIXTURES``."""

    __test__ = False  # a class whose name begins with Test is none of pytest's

    task: str
    backend: str
    example: str = ""
    perturbed: str = ""
    rival: str = ""
    score: str = ""
    finding: int = -1

    @property
    def example_ids(self) -> tuple[str, ...]:
        """The ids of what a model must answer for it, the last one above all; none for all there is."""
        return tuple(name for name in (self.example, self.perturbed) if name)


def target_of(item: pytest.Item) -> TestTarget | None:
    """What ``item`` asks a model for; None for a test that asks none."""
    callspec = getattr(item, "callspec", None)
    values = (callspec.params.get(name) for name in ASKING) if callspec else ()
    return next((value for value in values if isinstance(value, TestTarget)), None)
