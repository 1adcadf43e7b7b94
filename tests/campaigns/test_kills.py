"""Sessions are killed at any moment: no answer is lost, none is asked twice unasked, and every file stays whole."""

from __future__ import annotations

import itertools
import json
import shutil
import sqlite3
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

import pytest
from campaigns.killed_sessions import LATE, SIGNALS, Ground, Sent, ended, kill, serving, settled
from campaigns.storm import Storm
from mini_project import ALL, SHIPS, SUITE, XDIST

if TYPE_CHECKING:
    from mini_project import Project

pytestmark = [
    pytest.mark.storm,
    pytest.mark.skipif(sys.platform == "win32", reason="a process group is killed as Unix does"),
]

UNDER_WAY = "was under way when an earlier run was killed"
GRACE = {"KILL": 5.0, "TERM": 15.0, "INT": 15.0, "INT twice": 7.0}
"""Seconds in which a session must end after a signal, with the start of a busy machine."""


@dataclass(slots=True)
class Grounds:
    """Makes a copy of the project for each case, at a server that notes what it sent."""

    template: Path
    folder: Path
    url: str
    sent: Sent
    numbers: Iterator[int]

    def made(self, paid: bool) -> Ground:
        number = next(self.numbers)
        return Ground.made(self.template, self.folder / f"case{number}", f"m{number}", self.url, paid)


@pytest.fixture
def grounds(suite: Project, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Grounds]:
    suite.write("suites/test_moods.py", SUITE + SHIPS)
    suite.frozen.freeze()
    sent = Sent()
    with serving(sent) as url:
        yield Grounds(suite.root, tmp_path_factory.mktemp("grounds"), url, sent, itertools.count())


# -- while models are asked -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Asking:
    """A session that is killed while it asks: after so many answers, and then so many seconds."""

    signal: str
    paid: bool
    workers: int
    after: int
    seconds: float
    slow: float
    sessions: int = 1


def draw_asking(random: Random) -> Asking:
    return Asking(
        signal=random.choice(list(SIGNALS)),
        paid=random.random() < 0.5,
        workers=random.choice([0] * 8 + [2, 8]) if XDIST else 0,
        after=random.randrange(len(ALL)),
        seconds=random.uniform(0, 0.3),
        slow=random.choice([0.005, 0.02, 0.1]),
        sessions=random.choice([1] * 7 + [2]),
    )


def check_asking(case: Asking, grounds: Grounds) -> str:
    sent, ground = grounds.sent, grounds.made(case.paid)
    sent.seconds = case.slow
    options = ["suites", "--backend=asked", *(["-n", str(case.workers)] if case.workers else [])]
    sessions = [ground.start(*options) for _ in range(case.sessions)]
    first = sessions[0]
    settled(lambda: len(sent.sent_before(ground.model, float("inf"))) > case.after, first)
    settled(lambda: False, first, case.seconds)
    lived = first.poll() is None
    moment = kill(first, case.signal)
    output = ended(first, GRACE[case.signal])
    for other in sessions[1:]:
        ended(other, 120)
    if len(SIGNALS[case.signal]) == 1:  # pytest may be printing its own report when the second comes
        assert not {"Traceback", "INTERNALERROR"} & set(output.replace(">", " ").split()), told(output)
    stored, asked = ground.stored(), ground_asked(ground, sent)
    waits = case.signal in ("TERM", "INT")
    due = sent.sent_before(ground.model, float("inf") if waits else moment - LATE)
    assert due <= stored, f"lost: {due - stored}"
    ground.check_files()
    open_ones = set(asked) - stored

    sent.seconds = 0
    code, again = ground.run(*options[:2])
    after = ground_asked(ground, sent)
    assert code == 1, again[-2000:]  # the model always says that it rises, and half of them fall
    assert all(after[question] == asked[question] for question in stored), "an answer that is stored was asked again"
    if case.paid:
        assert after.keys() >= asked.keys()
        twice = {question for question in open_ones if after[question] > asked[question]}
        assert not twice, f"asked twice, and perhaps paid twice: {twice}"
        assert bool(open_ones) == (UNDER_WAY in again), again[-2000:]
    else:
        assert len(ground.stored()) == len(after) == len(ALL)
        assert "direction 50.0 " in again, again[-2000:]
    ground.check_files()
    shutil.rmtree(ground.root)
    how = f"{case.signal}{', paid' if case.paid else ''}{f', -n {case.workers}' if case.workers else ''}"
    return f"{how}{', two sessions' if case.sessions > 1 else ''}{'' if lived else ', at its end'}"


def told(output: str) -> str:
    """The end of what a session printed, without the lines that say nothing."""
    return "\n".join(line.strip() for line in output.splitlines()[-40:] if set(line) - set(" ^=-_"))


def ground_asked(ground: Ground, sent: Sent) -> dict[str, int]:
    return sent.asked_of(ground.model)


@pytest.mark.parametrize("part", range(4))
def test_kills_while_models_are_asked(storm: Storm, grounds: Grounds, part: int) -> None:  # noqa: ARG001  # names it
    storm.run(40, draw_asking, lambda case: check_asking(case, grounds), most_seconds=600)


# -- while a session ends, a split is frozen, a baseline is saved -----------------------------------

Ready = Callable[[Ground], None]


def nothing(_: Ground) -> None:
    """There is nothing to make ready."""


def judged_once(ground: Ground) -> None:
    """There is a run, with reports and a baseline, that is replaced."""
    ground.run("suites", "--backend=good", "--save-baseline")


def thawed(ground: Ground) -> None:
    """Nothing is frozen."""
    (ground.root / "golden" / "moods" / "frozen.json").unlink()


JUDGE = ("pytest", ("suites", "--backend=good", "--against=bad"))
STEPS: dict[str, tuple[Ready, tuple[str, tuple[str, ...]], int]] = {
    "judging": (nothing, JUDGE, 40),
    "judging again": (judged_once, JUDGE, 40),
    "saving a baseline": (nothing, ("pytest", ("suites", "--backend=good", "--save-baseline")), 45),
    "saving a baseline again": (judged_once, ("pytest", ("suites", "--backend=good", "--save-baseline")), 45),
    "freezing": (thawed, ("evalkit", ("freeze", "moods")), 5),
    "retiring a split": (nothing, ("evalkit", ("freeze", "moods", "--renew")), 8),
    "scoring again": (judged_once, ("evalkit", ("rescore", "latest")), 8),
}
"""By what is under way: what is made ready, the command, and about how often it touches a file."""


@dataclass(frozen=True, slots=True)
class Step:
    """A command that kills itself before it touches a file for the n-th time."""

    what: str
    signal: str
    at: int


def draw_step(random: Random) -> Step:
    what = random.choice(list(STEPS))
    return Step(what, random.choice(["KILL", "KILL", "TERM", "INT"]), random.randint(1, STEPS[what][2]))


def check_step(case: Step, grounds: Grounds) -> str:
    ready, (command, arguments), _ = STEPS[case.what]
    ground = grounds.made(paid=False)
    ready(ground)
    rows, examples = runs_of(ground), examples_of(ground)
    process = ground.start(*arguments, command=command, kill_at=f"{case.at}:{int(SIGNALS[case.signal][0])}")
    output = ended(process, 60)
    assert "INTERNALERROR" not in output, output[-2000:]
    ground.stored()
    ground.check_files()
    assert runs_of(ground) >= rows, "a run was lost"
    assert examples_of(ground) == examples, "an example is lost, or there twice"
    code, again = ground.run(*arguments, command=command)
    retired = case.what == "retiring a split" and "no examples: a task needs at least one" in again
    assert code == (4 if retired else 0), told(again)
    ground.check_files()
    assert examples_of(ground) == examples, "an example is lost, or there twice"
    ended_by = "died" if process.returncode < 0 else "stopped" if process.returncode else "lived"
    shutil.rmtree(ground.root)
    return f"{case.what}, {ended_by}"


def examples_of(ground: Ground) -> Counter[str]:
    """Every example of the task by its id, wherever it stands, and how often."""
    lines = (
        line
        for path in (ground.root / "golden" / "moods").rglob("*.jsonl")
        if path.name not in ("looks.jsonl",)
        for line in path.read_text(encoding="utf-8").splitlines()
    )
    return Counter(str(json.loads(line)["id"]) for line in lines)


def runs_of(ground: Ground) -> int:
    """How many runs are stored."""
    store = ground.root / ".evalkit" / "store.sqlite"
    if not store.exists():
        return 0
    with closing(sqlite3.connect(store)) as db:
        try:
            return int(db.execute("select count(*) from runs").fetchone()[0])
        except sqlite3.OperationalError:
            return 0


@pytest.mark.parametrize("part", range(4))
def test_kills_at_every_touch_of_a_file(storm: Storm, grounds: Grounds, part: int) -> None:  # noqa: ARG001  # names it
    storm.run(35, draw_step, lambda case: check_step(case, grounds), most_seconds=600)


# -- a disk that is full ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Full:
    """A session that may write no file larger than so many bytes: a disk that fills up somewhere."""

    what: str
    bytes: int


def draw_full(random: Random) -> Full:
    return Full(
        random.choice(["judging", "judging again", "saving a baseline", "freezing"]), int(10 ** random.uniform(0, 5.3))
    )


def check_full(case: Full, grounds: Grounds) -> str:
    ready, (command, arguments), _ = STEPS[case.what]
    ground = grounds.made(paid=False)
    ready(ground)
    rows = runs_of(ground)
    # Pytest's own cache is written beside it, and a warning that it can't be is an error in this project.
    quiet = ("-W", "ignore::pytest.PytestCacheWarning") if command == "pytest" else ()
    process = ground.start(*arguments, *quiet, command=command, most_bytes=case.bytes)
    output = ended(process, 60)
    assert not {"Traceback", "INTERNALERROR"} & set(output.replace(">", " ").split()), told(output)
    assert process.returncode in (0, 1, 4), told(output)
    if process.returncode:
        assert str(ground.root) in output or "golden/" in output, told(output)
    ground.stored()
    ground.check_files()
    assert runs_of(ground) >= rows, "a run was lost"
    code, again = ground.run(*arguments, command=command)
    assert code == 0, told(again)
    shutil.rmtree(ground.root)
    return f"{case.what}, exit code {process.returncode}"


@pytest.mark.parametrize("part", range(2))
def test_a_full_disk_is_told_and_loses_nothing(storm: Storm, grounds: Grounds, part: int) -> None:  # noqa: ARG001
    storm.run(20, draw_full, lambda case: check_full(case, grounds), most_seconds=600)
