"""What the plugin does only where pytest-xdist is.

Workers share the session's name, tell what they collected, and how far the one of them is that asks the models.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Generator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from signal import SIGTERM
from threading import Event, Thread
from time import monotonic
from typing import TYPE_CHECKING, Any

import pytest

from evalkit._internal.interruption import hearing
from evalkit.plugin.lines import sayer

if TYPE_CHECKING:
    from evalkit.models.generate import OnProgress, Progress
    from evalkit.plugin.state import State
    from evalkit.session.session import EvalSession

_EVERY = 0.3
"""Seconds between two looks at how far the asking is."""


@dataclass(frozen=True, slots=True, eq=False)  # pytest keeps its plugins in sets
class Sharing:
    """The controller's side. Every worker collects the same, so any one's selection stands for all.

    ``progress`` gives what shows how far the asking is.
    """

    state: State
    progress: Callable[[], OnProgress]
    over: Event = field(default_factory=Event)
    nodes: list[Any] = field(default_factory=list)

    def pytest_configure_node(self, node: Any) -> None:
        self.nodes.append(node)
        node.workerinput["evalkit_session"] = self.state.identity

    def pytest_testnodedown(self, node: Any) -> None:
        # A worker that crashed has no output; the others collected what it did.
        collected = getattr(node, "workeroutput", {}).get("evalkit", {})
        self.state.selection = collected.get("selection") or self.state.selection
        self.state.golden = collected.get("golden") or self.state.golden
        self.state.misused = self.state.misused or collected.get("misused", False)
        self.state.trouble = self.state.trouble or collected.get("trouble", "")
        self.state.unusable = self.state.unusable or collected.get("unusable", "")

    @pytest.hookimpl(wrapper=True)
    def pytest_runtestloop(self, session: pytest.Session) -> Generator[None, object, object]:
        if self.state.session is None or not session.config.pluginmanager.hasplugin("dsession"):
            return (yield)
        reporter = session.config.pluginmanager.get_plugin("terminalreporter")
        tell = (lambda _: None) if reporter is None else reporter.write_line
        watched = (_place(self.state.session), self.state.identity, self.progress(), tell, self.over)
        watch = Thread(target=_watch, args=watched, name="evalkit-progress", daemon=True)
        watch.start()
        try:
            with hearing(sayer(session.config), self._stop_workers):
                result = yield
        finally:
            self.over.set()
            watch.join()
        if self.state.unusable:
            raise pytest.UsageError(self.state.unusable)
        return result

    def _stop_workers(self) -> None:
        """Sends a SIGTERM on, which this process alone has heard."""
        for node in self.nodes:
            process = getattr(getattr(node.gateway, "_io", None), "popen", None)  # none where a worker is elsewhere
            if process is not None:
                process.send_signal(SIGTERM)

    def pytest_runtest_logstart(self) -> None:
        self.over.set()  # who runs tests has been answered; a line of progress would break pytest's dots


def stopped_by_failures(config: pytest.Config) -> bool:
    """Whether xdist came to its end by --maxfail (it calls that an interruption)."""
    dsession = config.pluginmanager.get_plugin("dsession")
    return str(getattr(dsession, "shouldstop", "")).startswith("stopping after")


def note_looks(session: EvalSession, lines: list[str]) -> None:
    """The worker's side of what may be spent: leaves it in a file, for the controller to show."""
    _note(session, "looks", lines)


def note_progress(session: EvalSession) -> OnProgress:
    """The worker's side of progress: leaves it in a file that the controller looks at."""
    from evalkit._internal.files import write_atomically
    from evalkit._internal.outside_text import one_line

    place, last = _place(session), [0.0]
    warnings: list[str] = []

    def note(progress: Progress) -> None:
        if progress.warning:
            warnings.append(one_line(f"WARNING: {progress.task}: {progress.warning}"))
            _note(session, "warnings", warnings)
            return
        if monotonic() - last[0] < _EVERY and progress.done < progress.total:
            return
        last[0] = monotonic()
        figures = [session.identity, progress.alias, progress.task, progress.done, progress.total, progress.spent]
        with suppress(OSError):
            write_atomically(place, json.dumps(figures))

    return note


def _note(session: EvalSession, what: str, lines: list[str]) -> None:
    from evalkit._internal.files import write_atomically

    with suppress(OSError):
        write_atomically(_place(session).with_name(f"{what}.json"), json.dumps([session.identity, lines]))


def _place(session: EvalSession) -> Path:
    return session.config.store.with_name("progress.json")


def _watch(place: Path, identity: str, show: OnProgress, tell: Callable[[str], None], over: Event) -> None:
    from evalkit.models.generate import Progress

    seen, told = "", {"looks": 0, "warnings": 0}
    while not over.wait(_EVERY):
        _tell_lines(place, identity, tell, told)
        # Progress is a courtesy: whatever goes wrong with it must not break a run.
        with suppress(Exception):
            text = place.read_text(encoding="utf-8")
            if text != seen:
                seen = text
                session, *figures = json.loads(text)
                if session == identity:
                    show(Progress(*figures))
    _tell_lines(place, identity, tell, told)


def _tell_lines(place: Path, identity: str, tell: Callable[[str], None], told: dict[str, int]) -> None:
    """Tells the lines that a worker left and that were not told yet; ``told`` is how many were, by what they are."""
    for what, count in told.items():
        with suppress(OSError, ValueError):
            session, lines = json.loads(place.with_name(f"{what}.json").read_text(encoding="utf-8"))
            if session == identity:
                for line in lines[count:]:
                    tell(line)
                told[what] = max(count, len(lines))
