"""What the plugin's parts share: the state of one session in one process, and what a golden test is about."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from secrets import token_hex
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

    from evalkit.session.finish import FinishedRun
    from evalkit.session.session import EvalSession, Selection

ASKING = ("answer", "verdict", "comparison", "relation")
"""The fixtures that models must answer for."""

FIXTURES = (*ASKING, "merge", "finding")
"""The fixtures that a golden test is parametrized over, one of them each."""


def _new_identity() -> str:
    return f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{token_hex(2)}"


@dataclass(slots=True)
class State:
    """What the plugin remembers in one process of one pytest session.

    ``identity`` is the same in all processes of the session. ``golden`` are the ids of the selected tests of
    examples, ``ended`` how each test ended. ``misused`` is set when a mark can't be used as it stands.
    """

    identity: str = field(default_factory=_new_identity)
    session: EvalSession | None = None
    selection: Selection = field(default_factory=dict)
    golden: list[str] = field(default_factory=list)
    ended: dict[str, str] = field(default_factory=dict)
    misused: bool = False
    finished_run: FinishedRun | None = None
    trouble: str = ""

    def outcomes(self) -> Counter[str]:
        """How the tests of examples ended; "not run" where one stopped early."""
        return Counter(self.ended.get(name, "not run") for name in self.golden)


@dataclass(frozen=True, slots=True)
class TestTarget:
    """What one golden test is about: a parameter of one of ``FIXTURES``."""

    task: str
    backend: str
    example: str = ""
    variant: str = ""
    rival: str = ""
    score: str = ""
    finding: int = -1

    @property
    def asked(self) -> tuple[str, ...]:
        """The ids of what a model must answer for it, the last one above all; none for all there is."""
        return tuple(name for name in (self.example, self.variant) if name)


def point_of(item: pytest.Item) -> TestTarget | None:
    """What ``item`` asks a model for; None for a test that asks none."""
    callspec = getattr(item, "callspec", None)
    found = (callspec.params.get(name) for name in ASKING) if callspec else ()
    return next((value for value in found if isinstance(value, TestTarget)), None)
