"""llama.cpp's own server and ``transformers serve`` over chat completions, with the weights that Ollama has too."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
from real_servers import Serving, f16_folder, llama_server, transformers_serve

from evalkit.errors import BackendDied, NotAnswered
from evalkit.golden.loader import load_task
from evalkit.golden.model import Decoding, Task
from evalkit.models.backend import Completion, Opening, Spec
from evalkit.models.backends import ollama, openai
from evalkit.models.chat_reply import read_chat
from evalkit.models.event_stream import read_values
from evalkit.models.remote import RemoteBackend
from evalkit.models.request import Message, Request
from evalkit.models.served_name import is_same_model
from fixtures.convert import f16_base, float_base
from fixtures.serve import Running, create

pytestmark = pytest.mark.real

ROOT = Path(__file__).parents[3]
MAX_TOKENS = 12


@lru_cache
def market_direction() -> Task:
    return load_task(ROOT / "golden" / "market_direction")


def asked(number: int, text: str) -> Request:
    messages = (Message("system", "Judge the headline. Answer with one JSON object."), Message("user", text))
    return Request("market_direction", f"e{number}", messages, "", Decoding(MAX_TOKENS))


def headlines() -> list[Request]:
    texts = [str(example.input["headline"]) for example in market_direction().splits["test"][:20]]
    return [asked(number, text) for number, text in enumerate(texts)]


def opened(serving: Serving, model: str = "", **options: Any) -> RemoteBackend:
    given = {"base_url": serving.url, "most": 1, "tries": 2, **options}
    spec = Spec("openai", model or serving.model)
    backend: RemoteBackend = openai.open_backend(Opening(spec, market_direction(), ROOT, given))  # type: ignore[assignment]
    backend.pause = 0.02
    return backend


def answers(backend: Any, requests: list[Request]) -> dict[str, Completion]:
    found = dict(backend.answer(requests))
    assert all(isinstance(one, Completion) for one in found.values()), found
    return {request.example_id: one for request, one in found.items()}


@pytest.fixture(scope="module")
def llama() -> Iterator[Serving]:
    with llama_server(f16_base()) as serving:
        yield serving


@pytest.fixture(scope="module")
def transformers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    folder = tmp_path_factory.mktemp("served")
    with transformers_serve(f16_folder(float_base(), folder / "base"), folder / "log") as serving:
        yield serving


@pytest.fixture(params=["llama", "transformers"])
def serving(request: pytest.FixtureRequest) -> Serving:
    found: Serving = request.getfixturevalue(request.param)
    return found


def post(url: str, body: Any) -> bytes:
    request = urllib.request.Request(url, json.dumps(body).encode(), {"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=120) as answer:
        found: bytes = answer.read()
        return found


def test_an_answer_comes_whole_with_its_counts_and_the_models_name(serving: Serving) -> None:
    requests = headlines()[:2]
    for found in answers(opened(serving), requests).values():
        assert found.text
        assert found.usage is not None
        assert found.usage["input"] + found.usage["cached"] == found.prompt_tokens
        assert found.usage["output"] == found.completion_tokens == MAX_TOKENS
        assert found.finish_reason == "length"
        assert is_same_model(serving.model, found.model or "") == (serving.model != "base")


def test_an_answer_is_the_same_streamed_and_in_one_piece(serving: Serving) -> None:
    [request] = headlines()[:1]
    [streamed] = answers(opened(serving), [request]).values()
    messages = [{"role": message.role, "content": message.content} for message in request.messages]
    body = {"model": serving.model, "messages": messages, "max_tokens": MAX_TOKENS, "temperature": 0}
    whole = read_chat(read_values([post(f"{serving.url}/chat/completions", body)])).completion()
    assert (whole.text, whole.finish_reason, whole.model) == (streamed.text, streamed.finish_reason, streamed.model)


def test_a_model_that_the_server_does_not_have_stops_it(transformers: Serving) -> None:
    with pytest.raises(BackendDied, match=r"Server is pinned to .*requested .*nobody"):
        list(opened(transformers, "nobody").answer(headlines()[:5]))


def test_another_model_than_was_asked_for_is_known_by_its_name(llama: Serving) -> None:
    """llama.cpp's server takes any name, and answers with its own."""
    [found] = answers(opened(llama, "gpt-4.1"), headlines()[:1]).values()
    assert not is_same_model("gpt-4.1", found.model or "")


def test_a_prompt_that_is_too_long_concerns_its_example_alone(llama: Serving) -> None:
    [long, short] = [asked(1, "Rain " * 2000), asked(2, "Rain")]
    found = dict(opened(llama).answer([long, short]))
    assert isinstance(found[long], NotAnswered)
    assert "exceeds the available context size" in str(found[long])
    assert isinstance(found[short], Completion)


def test_an_address_that_is_a_little_off_is_told(serving: Serving) -> None:
    off = replace(serving, url=serving.url.replace("/v1", "/v2"))
    with pytest.raises(BackendDied, match=r"There is no model .* at http://127\.0\.0\.1:\d+/v2"):
        list(opened(off).answer(headlines()[:1]))


def test_a_server_that_is_killed_leaves_its_request_unanswered() -> None:
    with llama_server(f16_base()) as killed:
        backend = opened(killed)
        told = backend.answer([asked(1, "Rain"), asked(2, "Snow")])
        next(told)
        killed.process.kill()
        killed.process.wait()
        [(_, result)] = told
    assert isinstance(result, NotAnswered)
    assert "given up after 2 tries: APIConnectionError" in str(result)


@dataclass(frozen=True)
class Engine:
    """What one engine made of the headlines: the token ids of each prompt, and the answers, by example."""

    ids: dict[str, list[int]]
    found: dict[str, Completion]


def of_llama(serving: Serving, requests: list[Request]) -> Engine:
    root, ids = serving.url.removesuffix("/v1"), {}
    for request in requests:
        messages = [{"role": message.role, "content": message.content} for message in request.messages]
        prompt = json.loads(post(f"{root}/apply-template", {"messages": messages}))["prompt"]
        body = {"content": prompt, "add_special": True, "parse_special": True}
        ids[request.example_id] = json.loads(post(f"{root}/tokenize", body))["tokens"]
    return Engine(ids, answers(opened(serving), requests))


def of_transformers(serving: Serving, tokenizer: Any, requests: list[Request]) -> Engine:
    ids = {}
    for request in requests:
        messages = [{"role": message.role, "content": message.content} for message in request.messages]
        ids[request.example_id] = tokenizer.apply_chat_template(messages, add_generation_prompt=True)["input_ids"]
    return Engine(ids, answers(opened(serving), requests))


def of_ollama(server: Running, tokenizer: Any, requests: list[Request]) -> Engine:
    create(server, "f16", f16_base())
    opening = Opening(Spec("ollama", "f16"), market_direction(), ROOT, {"host": server.url})
    found = answers(ollama.open_backend(opening), requests)
    # The server tells its prompt as a text.
    ids = {name: tokenizer(one.rendered, add_special_tokens=False)["input_ids"] for name, one in found.items()}
    return Engine(ids, found)


def test_the_same_weights_read_the_same_tokens_and_answer_the_same_behind_three_servers(
    llama: Serving, transformers: Serving, server: Running
) -> None:
    from transformers import AutoTokenizer

    requests, tokenizer = headlines(), AutoTokenizer.from_pretrained(float_base())
    engines = [
        of_llama(llama, requests),
        of_transformers(transformers, tokenizer, requests),
        of_ollama(server, tokenizer, requests),
    ]
    assert engines[0].ids == engines[1].ids == engines[2].ids
    for engine in engines:
        assert {name: one.prompt_tokens for name, one in engine.found.items()} == {
            name: len(ids) for name, ids in engines[0].ids.items()
        }
    same = [
        sum(one.found[name].text == other.found[name].text for name in one.found)
        for one, other in ((engines[0], engines[1]), (engines[0], engines[2]), (engines[1], engines[2]))
    ]
    assert all(count >= 18 for count in same), same
