"""Who asks a session to stop, by Ctrl-C or SIGTERM, gets what is under way stored, and waits no longer than is said."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from threading import Event, Lock
from typing import TYPE_CHECKING, Any

import pytest
from answering_server import Server, answering
from fault_proxy import proxy
from mini_project import ALL, wait_until

if TYPE_CHECKING:
    from mini_project import Project

TWO = 2
"""Requests under way at once."""


@dataclass(slots=True)
class Slow:
    """Answers the first two requests at once; each later one waits until ``go`` is set, or for ``seconds``."""

    seconds: float = 60
    go: Event = field(default_factory=Event)
    came: int = 0
    lock: Lock = field(default_factory=Lock)

    def __call__(self, _: Mapping[str, Any]) -> str:
        with self.lock:
            self.came += 1
            waits = self.came > TWO
        if waits:
            self.go.wait(self.seconds)
        return '{"direction": 1, "kind": "report"}'


@pytest.fixture
def slow() -> Iterator[Slow]:
    state = Slow()
    yield state
    state.go.set()


@pytest.fixture
def server(suite: Project, slow: Slow) -> Iterator[Server]:
    """A server behind the alias `sold`, whose answers cost money."""
    with answering(slow) as server:
        asked_at(suite, server.url)
        yield server


def asked_at(suite: Project, url: str, more: str = "") -> None:
    suite.monkeypatch.setenv("OPENAI_API_KEY", "k")
    suite.replace(
        "pyproject.toml",
        "[tool.evalkit.backends]\n",
        f'[tool.evalkit.prices."openai:sold"]\ninput = 1.0\noutput = 1.0\n\n[tool.evalkit.backends]\n'
        f'sold = {{ spec = "openai:sold", base_url = "{url}/v1", most = {TWO}{more} }}\n',
    )


def under_way(suite: Project, slow: Slow, *args: str) -> subprocess.Popen[str]:
    """A session with two answers stored and two under way."""
    process = suite.start("suites", "--backend=sold", *args)
    wait_until(lambda: slow.came == 2 * TWO and len(suite.stored()) == TWO)
    return process


def ended(process: subprocess.Popen[str]) -> tuple[str, float]:
    """What a process printed, and after how many seconds it ended."""
    begun = time.monotonic()
    output, _ = process.communicate(timeout=120)
    return output, time.monotonic() - begun


@pytest.mark.usefixtures("server")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "xdist"])
def test_what_is_under_way_is_stored_and_nothing_new_is_asked(
    suite: Project, slow: Slow, number: signal.Signals, workers: tuple[str, ...]
) -> None:
    process = under_way(suite, slow, *workers)
    if number == signal.SIGINT:
        os.killpg(process.pid, number)  # a terminal sends it to the workers too
    else:
        process.send_signal(number)
    time.sleep(0.5)
    slow.go.set()
    output, _ = ended(process)
    assert (process.returncode, slow.came, len(suite.stored())) == (2, 2 * TWO, 2 * TWO), output
    assert "Traceback" not in output
    assert ("stopped by SIGTERM" in output) == (number == signal.SIGTERM)


@pytest.mark.usefixtures("server")
def test_a_second_ctrl_c_ends_it_within_two_seconds(suite: Project, slow: Slow) -> None:
    process = under_way(suite, slow)
    process.send_signal(signal.SIGINT)
    time.sleep(0.5)
    assert process.poll() is None
    process.send_signal(signal.SIGINT)
    output, seconds = ended(process)
    assert (process.returncode, seconds < 2 + 1) == (2, True), output  # a busy machine may take one more


@pytest.mark.usefixtures("server")
def test_what_was_cut_off_may_have_been_paid_for_and_is_not_asked_again_unasked(suite: Project, slow: Slow) -> None:
    process = under_way(suite, slow)
    for _ in range(2):
        process.send_signal(signal.SIGINT)
        time.sleep(0.3)
    ended(process)
    slow.go.set()
    again = suite.run("suites", "--backend=sold")
    assert slow.came == len(ALL) + TWO - TWO
    again.stdout.fnmatch_lines(["*it was under way when an earlier run was killed, and may have been paid for*"])


def test_sigterm_ends_what_never_comes_within_its_grace(suite: Project) -> None:
    with proxy("http://127.0.0.1:1", lambda _: "comments", stall=60) as endless:
        asked_at(suite, endless.url)
        process = suite.start("suites", "--backend=sold")
        wait_until(lambda: endless.most_at_once == TWO)
        process.send_signal(signal.SIGTERM)
        output, seconds = ended(process)
    assert (process.returncode, seconds < 10 + 1) == (2, True), output


def test_a_stream_of_pings_is_given_up(suite: Project) -> None:
    with proxy("http://127.0.0.1:1", lambda _: "comments", stall=60) as endless:
        asked_at(suite, endless.url, ", timeout = 1, tries = 1")
        result = suite.run("suites", "--backend=sold", "-k", "h00")
    result.stdout.fnmatch_lines(["*nothing of the answer came for 5 s, though the server kept sending*"])


def test_a_handler_that_somebody_else_has_set_stays(suite: Project) -> None:
    suite.write(
        "conftest.py",
        "import signal\n\ndef pytest_sessionstart():\n    signal.signal(signal.SIGTERM, mine)\n"
        "\ndef mine(*_):\n    import os; os._exit(7)\n",
    )
    process = suite.start("suites", "--backend=clerk", CLERK_WAITS_AFTER="3")
    wait_until(lambda: len(suite.stored()) >= 1)
    process.send_signal(signal.SIGTERM)
    output, _ = ended(process)
    assert process.returncode == 7, output
