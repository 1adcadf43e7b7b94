"""What a text from outside decides is ended where it takes too long, and leaves no process."""

from __future__ import annotations

import subprocess
import sys
import time

import psutil
import pytest

from evalkit._internal.bounded import Failed, OutOfBounds, bounded
from evalkit._internal.patterns import found, is_plain, replaced
from evalkit.errors import ConfigError


def test_a_call_returns_what_the_function_returns() -> None:
    assert bounded("evalkit._internal.patterns:found_here", "b+", "abc") is True


def test_what_is_raised_comes_back_with_its_name_and_message() -> None:
    with pytest.raises(Failed, match="invalid literal") as caught:
        bounded("builtins:int", "x")
    assert caught.value.kind == "ValueError"


def test_what_runs_on_is_ended_and_the_next_call_is_served() -> None:
    began = time.monotonic()
    with pytest.raises(OutOfBounds, match="2 seconds"):
        bounded("time:sleep", 60)
    assert time.monotonic() - began < 20
    assert bounded("builtins:len", [1, 2]) == 2


def test_what_takes_all_memory_is_refused() -> None:
    with pytest.raises(OutOfBounds, match="memory"):
        bounded("builtins:bytearray", 10**11)


def test_nobody_is_left_when_the_process_that_asked_is_killed() -> None:
    code = (
        "from evalkit._internal.bounded import bounded; print(bounded('os:getpid'), flush=True); import os; os._exit(9)"
    )
    pid = int(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout)
    until = time.monotonic() + 20
    while psutil.pid_exists(pid) and time.monotonic() < until:
        time.sleep(0.05)
    assert not psutil.pid_exists(pid)


@pytest.mark.parametrize("pattern", ["(a+)+$", "(a|a)*$", "a*a*a*a*a*a*$", "(?:a|a){30}$", "(a?){30}a{30}$"])
def test_a_pattern_that_blows_up_is_not_tried_here(pattern: str) -> None:
    assert not is_plain(pattern)


def test_a_pattern_that_blows_up_is_refused_by_itself_with_the_text() -> None:
    with pytest.raises(ConfigError, match=r"'\(a\+\)\+\$' does not come to an end on a text of 61 characters"):
        found("(a+)+$", "a" * 60 + "!")


def test_a_pattern_in_the_other_process_replaces_what_it_would_here() -> None:
    assert replaced(r"(\w+) (\w+) (\w+)", r"\3 \1", "Will prices rise soon?") == "rise Will soon?"
    assert replaced(r"(\w+) (\w+) (\w+)", "", "?") is None
