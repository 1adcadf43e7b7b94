"""Who writes is killed in mid-writing: what it said to be written is there, and no reader ever meets half of it."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from random import Random
from tempfile import mkdtemp

import pytest
from campaigns.storm import Storm

from evalkit.golden.ledger_lines import read_lines
from evalkit.models.cache import Store

pytestmark = pytest.mark.storm

WRITERS = {
    "a file": """
from evalkit._internal.files import write_atomically
def write(number):
    write_atomically(folder / "file.json", json.dumps({"number": number, "rest": "x" * size}))
""",
    "the ledger": """
from evalkit.golden.ledger_lines import append
before = ""
def write(number):
    global before
    before = append(folder, before, {"model": "m", "number": number, "rest": "x" * (size % 2000)})["chain"]
""",
    "the store": """
from evalkit.golden.model import Decoding
from evalkit.models.backend import Completion
from evalkit.models.cache import Store
from evalkit.models.request import Message, Request
store = Store(folder / "store.sqlite")
def write(number):
    request = Request("task", f"e{number}", (Message("user", "x" * size),), "", Decoding(16))
    store.put(f"k{number}", "f", request, Completion("x" * size, "stop"))
""",
}

LOOP = """
import json, sys
from itertools import count
from pathlib import Path
folder, size = Path(sys.argv[1]), int(sys.argv[2])
{writer}
for number in count():
    write(number)
    print(number, flush=True)
"""


@dataclass(frozen=True, slots=True)
class Writer:
    """A process that writes one thing behind the other, pieces of so many bytes, and is killed after some seconds."""

    what: str
    size: int
    seconds: float
    signal: int


def draw(random: Random) -> Writer:
    size = int(10 ** random.uniform(0, 5.5))
    numbers = (signal.SIGKILL, signal.SIGKILL, signal.SIGTERM)
    return Writer(random.choice(list(WRITERS)), size, random.uniform(0, 0.15), int(random.choice(numbers)))


def check(case: Writer, folder: Path) -> str:
    place = Path(mkdtemp(dir=folder))
    script = LOOP.format(writer=WRITERS[case.what])
    process = subprocess.Popen(
        [sys.executable, "-c", script, str(place), str(case.size)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    first = process.stdout.readline()
    time.sleep(case.seconds)
    process.send_signal(case.signal)
    said = [line for line in [first, *process.communicate()[0].splitlines()] if line]
    written = READERS[case.what](place)
    assert written >= int(said[-1]), f"{said[-1]} was said to be written, and {written} is there"
    shutil.rmtree(place)
    return case.what


def read_file(place: Path) -> int:
    return int(json.loads((place / "file.json").read_text(encoding="utf-8"))["number"])


def read_ledger(place: Path) -> int:
    numbers = [int(line.table["number"]) for line in read_lines(place)]
    assert numbers == list(range(len(numbers)))
    return numbers[-1]


def read_store(place: Path) -> int:
    with closing(Store(place / "store.sqlite")) as store:
        keys = [f"k{number}" for number in range(store.count())]
        assert len(store.get(keys)) == len(keys)
        assert not store.unreadable
        return len(keys) - 1


READERS = {"a file": read_file, "the ledger": read_ledger, "the store": read_store}


@pytest.mark.parametrize("part", range(2))
def test_killed_writers(storm: Storm, tmp_path: Path, part: int) -> None:  # noqa: ARG001  # names it
    storm.run(120, draw, lambda case: check(case, tmp_path), most_seconds=300)
