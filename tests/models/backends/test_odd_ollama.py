"""What an Ollama server says when it does not answer, and what another server says in its place."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
from campaigns.fault_server import Fault, FaultServer, breaking, closed_at_once, plain
from fault_proxy import proxy
from scripted_server import Said, Scripted, scripted

from evalkit.errors import BackendDied, MissingModel, NotAnswered
from evalkit.golden.loader import load_task
from evalkit.golden.model import Decoding, Task
from evalkit.models.backend import Completion, Opening, Spec
from evalkit.models.backends import ollama
from evalkit.models.connections import Patience
from evalkit.models.engines import ollama_server
from evalkit.models.request import Message, Request

ROOT = Path(__file__).parents[3]


def said(*values: Any) -> Said:
    return 200, b"".join(json.dumps(value).encode() + b"\n" for value in values)


def piece(content: str, **more: Any) -> dict[str, Any]:
    return {"model": "base", "message": {"role": "assistant", "content": content}, "done": False, **more}


WHOLE = said(piece('{"a"'), piece(": 1}"), piece("", done=True, done_reason="stop", eval_count=2))
RENDERED = said({"model": "base", "_debug_info": {"rendered_template": "Say 1.\nSay 2.\nSay 3.\nSay 4.\nSay 5.\n"}})
SERVER: Mapping[str, Sequence[Said]] = {
    "/api/version": [said({"version": "0.24.0"})],
    "/api/tags": [said({"models": [{"model": "base:latest", "digest": "d"}]})],
    "/api/show": [said({"template": "t"})],
}


@pytest.fixture(autouse=True)
def _without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ollama, "_FIRST_PAUSE", 0.01)


def asked(number: int) -> Request:
    return Request("market_direction", f"e{number}", (Message("user", f"Say {number}."),), "", Decoding(12))


@lru_cache
def market_direction() -> Task:
    return load_task(ROOT / "golden" / "market_direction")


def opening(url: str) -> Opening:
    return Opening(Spec("ollama", "base"), market_direction(), ROOT, {"host": url})


def answers(server: Scripted, count: int = 1) -> list[Completion | Exception]:
    backend = ollama.open_backend(opening(server.url))
    return [result for _, result in backend.answer([asked(number + 1) for number in range(count)])]


def chat(*says: Said) -> Mapping[str, Sequence[Said]]:
    """Each answer behind the prompt that is rendered before it."""
    return {**SERVER, "/api/chat": [part for one in says for part in (RENDERED, one)]}


NOT_FINISHED = [
    said(piece("", done=True, done_reason="load")),
    said(piece('{"a"'), piece("", done=True, done_reason="unload")),
    said(piece('{"a"'), piece("", done=True, done_reason="whatever")),
    said(piece('{"a"')),
    (200, b""),
    (200, b'{"model": "base", "message": {"con'),
]


@pytest.mark.parametrize("unfinished", [*NOT_FINISHED, said(piece('{"a"'), {"error": "the runner is gone"})])
def test_an_answer_that_the_server_did_not_finish_is_asked_again(unfinished: Said) -> None:
    with scripted(chat(unfinished, WHOLE)) as server:
        [found] = answers(server)
    assert isinstance(found, Completion)
    assert (found.text, server.asked["/api/chat"]) == ('{"a": 1}', 4)


@pytest.mark.parametrize("unfinished", NOT_FINISHED)
def test_an_answer_that_is_never_finished_is_given_up_for_its_example_alone(unfinished: Said) -> None:
    with scripted(chat(unfinished, unfinished, unfinished, WHOLE)) as server:
        first, second = answers(server, 2)
    assert isinstance(first, NotAnswered)
    assert str(first).startswith("e1: ollama:base: given up after 3 tries: ")
    assert isinstance(second, Completion)


@pytest.mark.parametrize(
    "body", [b"<html>Welcome</html>", b'{"choices": [{"message": {"content": "x"}}]}', b"[]", b'"x"']
)
def test_another_server_in_its_place_stops_the_model_and_shows_what_it_said(body: bytes) -> None:
    with (
        scripted(chat((200, body))) as server,
        pytest.raises(BackendDied, match="Check `host` of this alias") as caught,
    ):
        answers(server)
    assert body.decode().strip('"') in str(caught.value)


@pytest.mark.parametrize("path", SERVER)
@pytest.mark.parametrize(
    "odd", [(200, b"<html>Welcome</html>"), (200, b"[]"), (200, b""), (200, b'{"error": "no"}'), (403, b"Forbidden")]
)
def test_what_is_no_ollama_is_told_before_anything_is_asked(path: str, odd: Said) -> None:
    with (
        scripted({**SERVER, path: [odd]}) as server,
        pytest.raises(MissingModel, match=r"something else than Ollama seems to answer .*Check `host`") as caught,
    ):
        ollama.open_backend(opening(server.url))
    assert odd[1].decode() in str(caught.value).replace("'", "")


def test_a_model_list_of_odd_entries_is_told() -> None:
    odd = said({"models": [{"model": 3}]})
    with (
        scripted({**SERVER, "/api/tags": [odd]}) as server,
        pytest.raises(MissingModel, match="it lists no models: "),
    ):
        ollama.open_backend(opening(server.url))


def test_a_refused_request_concerns_its_example() -> None:
    with scripted(chat((400, b'{"error": "prompt too long"}'), WHOLE)) as server:
        first, second = answers(server, 2)
    assert isinstance(first, NotAnswered)
    assert "prompt too long" in str(first)
    assert isinstance(second, Completion)


def test_the_same_refusal_of_every_request_stops_the_model() -> None:
    with scripted(chat((400, b'{"error": "no chat"}'))) as server, pytest.raises(BackendDied, match="no chat"):
        answers(server, 5)


@pytest.mark.parametrize("status", [401, 403, 404])
def test_what_is_wrong_with_every_request_stops_the_model_at_once(status: int) -> None:
    with scripted(chat((status, b'{"error": "unauthorized"}'))) as server, pytest.raises(BackendDied, match="unauthor"):
        answers(server)
    assert server.asked["/api/chat"] == 2


@pytest.mark.parametrize(
    ("told", "memory"),
    [
        (said({"models": [{"name": "base:latest", "size": 145}]}), 145),
        (said({"models": [{"name": "base:latest", "size": "big"}]}), None),
        (said({"models": []}), None),
        ((200, b"<html>"), None),
        ((500, b""), None),
    ],
)
def test_what_the_model_holds_is_known_where_the_server_says_it(told: Said, memory: int | None) -> None:
    with scripted({**SERVER, "/api/ps": [told]}) as server:
        backend = ollama.open_backend(opening(server.url))
        assert isinstance(backend, ollama.OllamaBackend)
        assert backend.memory() == memory


def test_a_server_that_sends_pieces_without_a_text_for_ever_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ollama_server, "_PATIENCE", Patience(quiet=0.3, whole=5))
    with scripted(SERVER) as server, proxy(server.url, lambda _: "empty lines", stall=30) as between:
        monkeypatch.setattr(ollama_server.Server, "rendered", lambda *_: None)
        backend = ollama.open_backend(opening(server.url))
        assert isinstance(backend, ollama.OllamaBackend)
        backend.server.url = between.url
        [(_, found)] = backend.answer([asked(1)])
    assert "given up after 3 tries: nothing of the answer came for 0 s, though the server kept sending" in str(found)


def test_a_request_that_never_comes_through_stops_alone_where_others_are_answered() -> None:
    texts = {f"Say {number}.": "{}" for number in range(1, 41)}
    faults: dict[str, list[Fault]] = {
        question: [closed_at_once if question == "Say 1." else plain] for question in texts
    }
    with breaking(FaultServer("ollama", texts, faults, seed=1)) as server:
        given = {"host": server.url, "patience": 1, "parallel": 2}
        backend = ollama.open_backend(Opening(Spec("ollama", "m"), market_direction(), ROOT, given))
        found = {request.example_id: answer for request, answer in backend.answer([asked(n) for n in range(1, 41)])}
    assert "not answered for 1 s, though others are" in str(found.pop("e1"))
    assert [type(answer) for answer in found.values()] == [Completion] * 39
