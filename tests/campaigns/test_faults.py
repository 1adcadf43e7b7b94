"""What a network and a server do to an answer is never taken for the answer: 3,000 faults on three wires.

Each case is one model that is asked a dozen questions at once, most of which go wrong in some way first. The server
knows what it sent, and is the judge.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from random import Random
from typing import Any

import psutil
import pytest
from campaigns.fault_server import ENDLESS, KEY, PASSING, WHOLE, Fault, FaultServer, breaking, cut_by_length
from campaigns.storm import Storm

from evalkit.errors import BackendDied, NotAnswered
from evalkit.golden.loader import load_task
from evalkit.golden.model import Decoding, Task
from evalkit.models.account import VendorSettings
from evalkit.models.backend import Completion, Opening, Spec
from evalkit.models.backends import anthropic, ollama, openai
from evalkit.models.connections import Patience
from evalkit.models.engines import ollama_server
from evalkit.models.request import Message, Request

ROOT = Path(__file__).parents[2]
TRIES = 3
QUESTIONS = 12
FAULTS = 3_000
FAULTS_EACH = 18
"""So many faults the whole campaign does, and a case at least, as a rule."""


@lru_cache
def market_direction() -> Task:
    return load_task(ROOT / "golden" / "market_direction")


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same bounds as ever, only sooner."""
    monkeypatch.setenv("EVALKIT_STORM_KEY", KEY)
    monkeypatch.setattr(VendorSettings, "patience", Patience(quiet=0.4, whole=5))
    monkeypatch.setattr(ollama_server, "_PATIENCE", Patience(quiet=0.4, whole=5))
    monkeypatch.setattr(ollama, "_FIRST_PAUSE", 0.002)


@dataclass(frozen=True, slots=True)
class Case:
    """What is done to the tries of each question, one list for each."""

    wire: str
    faults: tuple[tuple[Fault, ...], ...]
    seed: int

    def __repr__(self) -> str:
        return f"{self.wire}: {[[fault.__name__ for fault in each] for each in self.faults]}"


def draw(random: Random) -> Case:
    wire = random.choice(["openai", "openai", "anthropic", "anthropic", "ollama"])
    return Case(wire, tuple(tuple(_faults(random)) for _ in range(QUESTIONS)), random.randrange(2**30))


def _faults(random: Random) -> list[Fault]:
    """A few faults, and then an answer; or faults for ever."""
    endless = random.random() < 0.06
    count = random.choice([0, 1, 1, 2, 2, 3])
    faults: list[Fault] = [random.choice(ENDLESS if endless and not number else PASSING) for number in range(count)]
    # A server that is busy for ever is waited for, for two minutes: that is no try.
    return [*faults, cut_by_length] if count == TRIES else [*faults, random.choice(WHOLE)]


def opened(case: Case, url: str) -> Any:
    options: dict[str, Any] = {"tries": TRIES, "timeout": 2, "most": 6, "key": "EVALKIT_STORM_KEY", "sampling": True}
    if case.wire == "ollama":
        spec, options = Spec("ollama", "m"), {"host": url, "patience": 2, "parallel": 6}
    else:
        spec = Spec(case.wire, "m")
        options["base_url"] = url + ("/v1" if case.wire == "openai" else "")
    module = {"openai": openai, "anthropic": anthropic, "ollama": ollama}[case.wire]
    backend: Any = module.open_backend(Opening(spec, market_direction(), ROOT, options))
    if case.wire != "ollama":
        backend.pause = 0.002
    return backend


def asked(number: int) -> Request:
    return Request("market_direction", f"e{number}", (Message("user", f"Say {number}."),), "", Decoding(12))


def check(case: Case, done: Counter[str]) -> str:
    texts = {f"Say {number}.": f'{{"n": {number}, "t": "{number * 7919}"}}' for number in range(QUESTIONS)}
    faults = {question: list(each) for question, each in zip(texts, case.faults, strict=True)}
    begun = time.monotonic()
    found: dict[str, Completion | Exception] = {}
    died = ""
    with (
        breaking(FaultServer(case.wire, texts, faults, case.seed)) as server,
        closing(opened(case, server.url)) as backend,
    ):
        try:
            for request, answer in backend.answer([asked(number) for number in range(QUESTIONS)]):
                found[request.messages[-1].content] = answer
        except BackendDied as error:
            died = str(error)
    took = time.monotonic() - begun
    for question, answer in found.items():
        if isinstance(answer, Completion):
            assert answer.text == texts[question], f"{question}: another answer: {answer.text!r}"
            assert question in server.sent, f"{question}: nothing whole was sent, and {answer.text!r} was read"
            assert answer.finish_reason == "stop"
        else:
            assert isinstance(answer, NotAnswered), repr(answer)
            assert case.wire == "ollama" or KEY not in str(answer)  # that server is sent none
    # Nothing here is a reason to give a model up, but that nothing comes any more.
    assert not died or (case.wire == "ollama" and "did not answer for" in died), died
    for question, planned in faults.items():
        ends_well = planned[-1] in WHOLE
        assert isinstance(found.get(question), Completion) == ends_well, f"{question}: {found.get(question)!r}"
        assert ends_well <= (server.tried[question] == len(planned)), (
            f"{question}: tried {server.tried[question]} times"
        )
    assert took < 30, f"it took {took:.0f} seconds"
    for planned in faults.values():
        done.update(fault.__name__ for fault in planned if fault not in WHOLE)
    return case.wire


@pytest.mark.storm
@pytest.mark.parametrize("part", range(2))
def test_faults_of_a_network_and_a_server(storm: Storm, part: int) -> None:  # noqa: ARG001  # names it
    memory = psutil.Process(os.getpid()).memory_info().rss
    storm.run(FAULTS // FAULTS_EACH // 2 + 1, draw, lambda case: check(case, storm.within), most_seconds=600)
    grown = (psutil.Process(os.getpid()).memory_info().rss - memory) / 2**20
    assert grown < 300, f"{grown:.0f} MiB more than before"
