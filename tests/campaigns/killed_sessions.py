"""What the campaign of kills is made of: a project to kill sessions in, a server that knows what it sent, a kill.

The server is the judge: it notes when it was asked what, and when an answer was sent whole. The store is held to that.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any

import psutil
from answering_server import answering
from mini_project import PLUGINS

ANSWER = '{"direction": 1, "kind": "report"}'

LATE = 1.0
"""Seconds after which an answer that was sent whole must be stored. What came just before a kill may be lost."""

SIGNALS = {
    "KILL": (signal.SIGKILL,),
    "TERM": (signal.SIGTERM,),
    "INT": (signal.SIGINT,),
    "INT twice": (signal.SIGINT, signal.SIGINT),
}

SUICIDE = '''
"""Sends this process a signal before it does a thing to a file for the n-th time: "KILL_AT=n:signal"."""

import os
import sys

number, name = os.environ.get("KILL_AT", "0:9").split(":")
left = int(number)


def heard(event, arguments):
    global left
    if left and touches(event, arguments):
        left -= 1
        if not left:
            os.kill(os.getpid(), int(name))


def touches(event, arguments):
    if event == "open":
        path, mode, _ = arguments
        return isinstance(path, str) and bool(mode) and set(mode) & set("wax+") and not path.endswith(".pyc")
    return event in ("os.rename", "os.remove", "os.mkdir", "os.link", "sqlite3.connect")


sys.addaudithook(heard)
'''


@dataclass(slots=True)
class Sent:
    """What a server was asked, by model and question, and when each answer was sent whole."""

    seconds: float = 0.0
    asked: Counter[tuple[str, str]] = field(default_factory=Counter)
    whole: dict[tuple[str, str], float] = field(default_factory=dict)
    lock: Lock = field(default_factory=Lock)

    def answer(self, body: Mapping[str, Any]) -> str:
        place = self._place(body)
        with self.lock:
            self.asked[place] += 1
        time.sleep(self.seconds)
        return ANSWER

    def done(self, body: Mapping[str, Any]) -> None:
        with self.lock:
            self.whole.setdefault(self._place(body), time.monotonic())

    def _place(self, body: Mapping[str, Any]) -> tuple[str, str]:
        return str(body["model"]), str(body["messages"][-1]["content"]).removeprefix("Headline: ")

    def asked_of(self, model: str) -> dict[str, int]:
        with self.lock:
            return {question: count for (whose, question), count in self.asked.items() if whose == model}

    def sent_before(self, model: str, moment: float) -> set[str]:
        """The questions of which ``model`` had sent the whole answer by then."""
        with self.lock:
            return {question for (whose, question), at in self.whole.items() if whose == model and at <= moment}


@contextmanager
def serving(sent: Sent) -> Iterator[str]:
    """The address of a server of OpenAI's wire that notes in ``sent`` what it does."""
    with answering(sent.answer, done=sent.done) as server:
        yield server.url


@dataclass(frozen=True, slots=True)
class Ground:
    """A copy of the project in a folder of its own, where sessions are started, killed and started again."""

    root: Path
    model: str

    @classmethod
    def made(cls, template: Path, root: Path, model: str, url: str, paid: bool) -> Ground:
        """A new copy of ``template`` with the alias `asked`, a model at ``url``."""
        shutil.copytree(template, root)
        price = f'[tool.evalkit.prices."openai:{model}"]\ninput = 1.0\noutput = 1.0\n' if paid else ""
        project = root / "pyproject.toml"
        alias = f'asked = {{ spec = "openai:{model}", base_url = "{url}/v1", most = 2 }}\n'
        text = project.read_text(encoding="utf-8").replace(
            "[tool.evalkit.backends]\n", f"[tool.evalkit.backends]\n{alias}"
        )
        project.write_text(text + price, encoding="utf-8")
        (root / "outside" / "suicide.py").write_text(SUICIDE, encoding="utf-8")
        return cls(root, model)

    def start(
        self, *args: str, command: str = "pytest", kill_at: str = "", most_bytes: int | None = None
    ) -> subprocess.Popen[str]:
        """A command in a process group of its own, as a shell would start it.

        It may kill itself (see SUICIDE), and write no file of more than ``most_bytes``."""
        environment = {**os.environ, "PYTHONPATH": str(self.root / "outside"), "OPENAI_API_KEY": "none"}
        if kill_at:
            environment["KILL_AT"] = kill_at
        main = "import pytest; raise SystemExit(pytest.main())" if command == "pytest" else (
            "from pytest_evalkit import main; main()"
        )  # fmt: skip
        limit = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({most_bytes},) * 2)\n"
        code = ("import suicide\n" if kill_at else "") + (limit if most_bytes is not None else "") + main
        plugins = PLUGINS if command == "pytest" else ()
        return subprocess.Popen(
            [sys.executable, "-c", code, *plugins, *args], cwd=self.root, env=environment, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip

    def run(self, *args: str, command: str = "pytest") -> tuple[int, str]:
        """The same to its end: exit code and what it printed."""
        process = self.start(*args, command=command)
        output, _ = process.communicate(timeout=120)
        return process.returncode, output

    def stored(self) -> set[str]:
        """The questions whose answers are in the store, which must be whole."""
        store = self.root / ".evalkit" / "store.sqlite"
        if not store.exists():
            return set()
        with closing(sqlite3.connect(store)) as db:
            [(found,)] = db.execute("pragma integrity_check").fetchall()
            assert found == "ok", f"the store is broken: {found}"
            try:
                rows = db.execute(
                    "select request from completions c join fingerprints f on f.digest = c.fingerprint "
                    "where f.fingerprint like ?",
                    (f'%"{self.model}"%',),
                ).fetchall()
            except sqlite3.OperationalError:  # the first session died before it made the tables
                return set()
        messages = [json.loads(row)["messages"][-1]["content"] for (row,) in rows]
        return {text.removeprefix("Headline: ") for text in messages}

    def check_files(self) -> None:
        """Every file of ours is whole: each line of JSON, each file of JSON or TOML can be read, and none is empty."""
        import tomllib

        for path in self.root.rglob("*"):
            if not path.is_file() or path.name.endswith(".part") or "under_way" in path.parts:
                continue
            if path.suffix in (".json", ".jsonl", ".toml"):
                text = path.read_text(encoding="utf-8")
                assert text.strip() or path.suffix == ".jsonl", f"{path} is empty"
                if path.suffix == ".toml":
                    tomllib.loads(text)
                else:
                    for part in text.splitlines() if path.suffix == ".jsonl" else [text]:
                        json.loads(part)


def kill(process: subprocess.Popen[str], name: str) -> float:
    """Sends the signals of that name, and gives the moment of the first.

    The whole group gets them, as from a terminal; a SIGTERM reaches the first process alone, as from a supervisor."""
    moment = time.monotonic()
    for number, each in enumerate(SIGNALS[name]):
        if number:
            time.sleep(0.2)
        with suppress(ProcessLookupError):
            if each == signal.SIGTERM:
                process.send_signal(each)
            else:
                os.killpg(process.pid, each)
    return moment


def ended(process: subprocess.Popen[str], seconds: float) -> str:
    """What a process printed that must end by itself within so many seconds, with all that it started."""
    try:
        output, _ = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        raise AssertionError(f"it did not end in {seconds} seconds") from None
    wait = time.monotonic() + 5
    while left := _group(process.pid):
        if time.monotonic() > wait:
            os.killpg(process.pid, signal.SIGKILL)
            raise AssertionError(f"it left processes behind: {left}")
        time.sleep(0.05)
    return output


def _group(number: int) -> list[str]:
    """What runs in a process group."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error, ProcessLookupError):
            if os.getpgid(process.pid) == number and process.status() != psutil.STATUS_ZOMBIE:
                found.append(" ".join(process.cmdline())[:100])
    return found


def settled(happened: Callable[[], bool], process: subprocess.Popen[str], seconds: float = 30) -> bool:
    """Waits until it happened, as long as the process lives."""
    end = time.monotonic() + seconds
    while not happened():
        if process.poll() is not None or time.monotonic() > end:
            return False
        time.sleep(0.005)
    return True
