"""Work that a text from outside decides (a template, a pattern), in a process of its own that is ended where it takes
too long.

Nothing in Python ends a regular expression or a template that runs on. The process is started at first use, serves one
call after another, and ends with the one that started it, or by itself where a call is over its time.
"""

from __future__ import annotations

import atexit
import json
import os
import subprocess
import sys
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from threading import Lock
from typing import Any, NoReturn

SECONDS = 2
"""So long may one call take."""

_MEMORY = 1 << 30
"""So many bytes may the process have, where the system can hold it to that."""

_LOCK = Lock()
_SERVING: dict[int, subprocess.Popen[str]] = {}
"""The process that serves this one, by this one's id: a copy of it (fork) starts its own."""


class OutOfBounds(Exception):
    """The work took more time or memory than it may."""


class Failed(Exception):
    """The work raised something: ``kind`` is the name of its class, the message its own."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


def bounded(function: str, *arguments: Any) -> Any:
    """What ``function`` ("package.module:name") of ``arguments`` returns; both as JSON has them.

    Raises OutOfBounds and Failed.
    """
    call = json.dumps([function, arguments])
    with _LOCK:
        process = _SERVING.get(os.getpid())
        if process is None or process.poll() is not None:
            process = _start()
        try:
            answer = _exchange(process, call)
        except BaseException:  # Ctrl-C between a call and its answer: the next call must not get that answer
            end()
            raise
        if not answer:
            end()
            raise OutOfBounds(f"it takes more than {SECONDS} seconds, or breaks what runs it")
    kind, value = json.loads(answer)
    if kind == "returned":
        return value
    if kind == "MemoryError":
        raise OutOfBounds(f"it takes more than {_MEMORY >> 20} MB of memory")
    raise Failed(kind, value)


def _exchange(process: subprocess.Popen[str], call: str) -> str:
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdin.write(f"{call}\n")
        process.stdin.flush()
        return process.stdout.readline()
    except OSError:
        return ""  # it has ended


def _start() -> subprocess.Popen[str]:
    code = (
        "import json, sys; sys.path[:] = json.loads(sys.argv[1]); from evalkit._internal.bounded import serve; serve()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, json.dumps(sys.path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        encoding="ascii",
    )
    if not _SERVING:
        atexit.register(end)
    _SERVING.clear()
    _SERVING[os.getpid()] = process
    return process


def end() -> None:
    """Ends the process that serves this one; the next call starts another."""
    process = _SERVING.pop(os.getpid(), None)
    if process is None:
        return
    process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with suppress(OSError):
                pipe.close()


def serve() -> NoReturn:
    """The other side: answers calls until there are no more."""
    import faulthandler
    import signal

    import jinja2.sandbox  # noqa: F401  (most calls need it, and their time is counted)

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that asks
    with suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    with Path(os.devnull).open("w") as nowhere:
        for line in sys.stdin:
            name, arguments = json.loads(line)
            module, _, function = name.partition(":")
            work = getattr(import_module(module), function)
            # A thread in C: it ends this process whatever Python, or a pattern that holds its lock, is at.
            faulthandler.dump_traceback_later(SECONDS, exit=True, file=nowhere)
            try:
                answer = json.dumps(["returned", work(*arguments)])
            except Exception as error:
                answer = json.dumps([type(error).__name__, str(error)])
            faulthandler.cancel_dump_traceback_later()
            print(answer, flush=True)
    sys.exit(0)
