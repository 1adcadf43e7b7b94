"""What servers of chat completions send where an answer is due (``tests/odd_replies``), through the whole backend."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import pytest
from scripted_server import Said, Scripted, scripted

from evalkit.errors import BackendDied, NotAnswered
from evalkit.golden.loader import load_task
from evalkit.golden.model import Decoding, Task
from evalkit.models.alias import Alias
from evalkit.models.backend import Completion, Opening, Spec, fingerprint_of
from evalkit.models.backends import openai
from evalkit.models.cache import Store
from evalkit.models.generate import generate
from evalkit.models.opened import Model
from evalkit.models.remote import RemoteBackend
from evalkit.models.request import Message, Request

ROOT = Path(__file__).parents[3]
REPLIES = ROOT / "tests" / "odd_replies"
ANSWER = '{"team": "billing"}'


@lru_cache
def market_direction() -> Task:
    return load_task(ROOT / "golden" / "market_direction")


def reply(name: str) -> Said:
    """A stored reply, with the status that its name ends with, else 200."""
    status = Path(name).stem.rpartition("_")[2]
    return (int(status) if status.isdigit() else 200), (REPLIES / name).read_bytes()


def asked(number: int) -> Request:
    return Request("market_direction", f"e{number}", (Message("user", f"Say {number}."),), "", Decoding(12))


def opened(server: Scripted) -> RemoteBackend:
    options = {"base_url": f"{server.url}/v1", "most": 1, "tries": 2}
    opening = Opening(Spec("openai", "router"), market_direction(), ROOT, options)
    backend: RemoteBackend = openai.open_backend(opening)  # type: ignore[assignment]
    backend.pause = 0.01
    return backend


def answers(*names: str, count: int = 1) -> list[Completion | Exception]:
    """What comes of ``count`` requests, where the server sends those replies in turn, and then the last again."""
    with scripted({"/v1/chat/completions": [reply(name) for name in names]}) as server:
        backend = opened(server)
        found = [result for _, result in backend.answer([asked(number + 1) for number in range(count)])]
        backend.close()
    return found


@pytest.mark.parametrize(
    "name",
    ["delta_null.sse", "delta_absent.sse", "content_in_parts.sse", "empty_choices_first.sse", "whole_completion.json"],
)
def test_every_form_of_an_answer_is_one(name: str) -> None:
    [found] = answers(name)
    assert isinstance(found, Completion)
    assert (found.text, found.finish_reason, found.prompt_tokens, found.model) == (ANSWER, "stop", 21, "router")


@pytest.mark.parametrize(
    ("name", "text", "finish", "thinking"),
    [
        ("tool_call.sse", "", "tool_call", None),
        ("refusal.sse", "I can't help with that.", "refusal", None),
        ("reasoning_only.sse", "", "stop", "The customer asks about an invoice."),
    ],
)
def test_what_comes_in_the_place_of_a_text_is_kept_as_what_it_is(
    name: str, text: str, finish: str, thinking: str | None
) -> None:
    [found] = answers(name)
    assert isinstance(found, Completion)
    assert (found.text, found.finish_reason, found.thinking) == (text, finish, thinking)


NOT_FINISHED = {
    "abort.sse": "'abort'",
    "error_as_end.sse": "'error'",
    "no_end.sse": "in the middle",
    "error_in_stream.sse": "The engine died",
}


@pytest.mark.parametrize("name", NOT_FINISHED)
def test_a_reply_that_the_server_did_not_finish_is_asked_again(name: str) -> None:
    [found] = answers(name, "delta_null.sse")
    assert isinstance(found, Completion)
    assert found.text == ANSWER


@pytest.mark.parametrize(("name", "said"), NOT_FINISHED.items())
def test_a_reply_that_is_never_finished_is_an_error_and_is_not_stored(name: str, said: str, tmp_path: Path) -> None:
    store, task = Store(tmp_path / "store.sqlite"), market_direction()
    with scripted({"/v1/chat/completions": [reply(name)]}) as server:
        backend = opened(server)
        model = Model(Alias("router", ""), task, "openai:router", backend, fingerprint_of(backend))
        generate([(model, [asked(1)])], store, "run-1")
        backend.close()
    [reason] = store.failures("run-1").values()
    assert store.count() == 0
    assert "given up after 2 tries" in reason
    assert said in reason
    store.close()


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("content_filter_400.json", "content management policy"),
        ("validation_422.json", "Field required"),
        ("too_long_400.json", "exceeds the available context size"),
    ],
)
def test_a_refused_request_concerns_its_example_and_says_why(name: str, said: str) -> None:
    first, second = answers(name, "delta_null.sse", count=2)
    assert isinstance(first, NotAnswered)
    assert said in str(first)
    assert isinstance(second, Completion)


def test_the_same_refusal_of_every_request_stops_the_model() -> None:
    with pytest.raises(BackendDied, match="Field required"):
        answers("validation_422.json", count=5)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("wrong_path_200.json", "Unexpected endpoint or method"),
        ("other_api_200.json", '"models"'),
        ("page_200.html", "Sign in to the gateway"),
    ],
)
def test_what_a_wrong_address_answers_is_shown_and_the_address_is_named(name: str, shown: str) -> None:
    with pytest.raises(BackendDied, match=r"Check base_url \(http://127") as caught:
        answers(name)
    assert shown in str(caught.value)
