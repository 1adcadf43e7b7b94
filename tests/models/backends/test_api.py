"""The two vendors' wires with their true SDKs, to a real server, and through a proxy that breaks what it hands on.

Where a fault is tested and no model, what the proxy hands on is what a real server streamed once (``recorded_wire``).

What only a vendor's own server can show (a refusal, reasoning, a prompt cache) is an exchange constructed from the
published schema, and said to be so.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from fault_proxy import FAULTS, WHOLE, at_random, once, proxy

from evalkit.errors import BackendDied, ConfigError, MissingModel, NotAnswered
from evalkit.golden.loader import load_task
from evalkit.golden.model import Decoding, Task
from evalkit.golden.schema import Schema
from evalkit.judging.output import parse
from evalkit.models.account import VendorSettings
from evalkit.models.alias import Alias
from evalkit.models.backend import Completion, Opening, Spec, fingerprint_of
from evalkit.models.backends import anthropic, openai
from evalkit.models.budget import Budget
from evalkit.models.cache import Store
from evalkit.models.connections import Patience
from evalkit.models.generate import generate
from evalkit.models.in_flight import InFlight
from evalkit.models.latency import probe
from evalkit.models.opened import Model
from evalkit.models.pricing import Price
from evalkit.models.remote import RemoteBackend
from evalkit.models.request import Message, Request
from fixtures.serve import Running

ROOT = Path(__file__).parents[3]
KEYS = {"anthropic": "sk-ant-api03-not-to-be-seen", "openai": "sk-proj-not-to-be-seen"}
NOWHERE = "http://127.0.0.1:9"


@lru_cache
def market_direction() -> Task:
    return load_task(ROOT / "golden" / "market_direction")


@dataclass(frozen=True)
class Vendor:
    """A vendor's wire: the scheme of its specs, its module, and what its base URLs end with."""

    scheme: str
    module: ModuleType
    tail: str

    def open(self, url: str, model: str = "base", **options: Any) -> RemoteBackend:
        given = {"base_url": url + self.tail, "key": f"{self.scheme.upper()}_API_KEY", "sampling": True, **options}
        task = market_direction()
        backend: RemoteBackend = self.module.open_backend(Opening(Spec(self.scheme, model), task, ROOT, given))
        backend.in_flight = InFlight(None)  # the tests ask the same again and again
        backend.pause = 0.02
        return backend


@pytest.fixture(params=["anthropic", "openai"])
def vendor(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Vendor:
    for name, key in KEYS.items():
        monkeypatch.setenv(f"{name.upper()}_API_KEY", key)
        monkeypatch.delenv(f"{name.upper()}_BASE_URL", raising=False)
    return {"anthropic": Vendor("anthropic", anthropic, ""), "openai": Vendor("openai", openai, "/v1")}[request.param]


def asked(number: int, *, max_tokens: int = 12, prefill: str = "", **more: Any) -> Request:
    messages = (Message("system", "Answer briefly."), Message("user", f"Say {number}."))
    return Request("market_direction", f"e{number:04}", messages, prefill, Decoding(max_tokens), **more)


def named(request: Request, number: int) -> Request:
    """``request`` with a number that makes it another."""
    *before, last = request.messages
    messages = (*before, replace(last, content=f"{last.content} #{number}"))
    return replace(request, example_id=f"e{number:04}", messages=messages)


def one(backend: RemoteBackend, request: Request | None = None) -> Completion | Exception:
    with closing(backend):
        [(_, found)] = backend.answer([request or asked(1)])
    return found


def keep(answers: Iterable[tuple[Request, Completion | Exception]], found: dict[str, Completion | Exception]) -> None:
    """Keeps the answers in ``found`` as they come, by what was asked, whatever comes then."""
    for request, answer in answers:
        found[request.messages[-1].content] = answer


def text_in(vendor: Vendor, stream: str) -> str:
    """The text of an answer's events, read without the SDK."""
    events = [json.loads(line[6:]) for line in stream.splitlines() if line.startswith("data: {")]
    if vendor.scheme == "anthropic":
        return "".join(event["delta"].get("text", "") for event in events if event["type"] == "content_block_delta")
    return "".join(choice["delta"]["content"] for event in events for choice in event["choices"])


# -- a real model on a real server ----------------------------------------------------------------------


@pytest.mark.real
def test_a_served_model_reads_the_same_prompt_over_either_wire_as_over_its_own(
    vendor: Vendor, server: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    from evalkit.models.backends import ollama

    monkeypatch.setenv("OLLAMA_HOST", server.environment["OLLAMA_HOST"])
    task = market_direction()
    [(_, own)] = ollama.open_backend(Opening(Spec("ollama", "base"), task, ROOT)).answer([asked(1)])
    found = one(vendor.open(server.url))
    assert isinstance(own, Completion)
    assert isinstance(found, Completion)
    # The text may be another: over these wires the server's own repeat_penalty can't be sent away.
    assert found.text
    assert found.prompt_tokens == own.prompt_tokens
    assert found.usage == {
        "input": own.prompt_tokens, "output": found.completion_tokens, "cached": 0, "cache_write": 0,
    }  # fmt: skip
    assert 0 < found.usage["output"] <= 12
    assert found.finish_reason == ("length" if found.usage["output"] == 12 else "stop")


@pytest.mark.real
def test_a_prefill_is_gone_on_with_where_the_server_can(vendor: Vendor, server: Running) -> None:
    options: dict[str, Any] = {"continues": True} if vendor.scheme == "openai" else {}
    plain = one(vendor.open(server.url))
    begun = one(vendor.open(server.url, **options), asked(1, prefill="Zebras are"))
    assert isinstance(plain, Completion)
    assert isinstance(begun, Completion)
    assert not begun.text.startswith(plain.text[:4])


def test_chat_completions_refuse_a_prefill_that_would_begin_a_new_turn(vendor: Vendor) -> None:
    if vendor.scheme == "openai":
        with pytest.raises(BackendDied, match=r'Set prefill = "" for this alias, or continues = true'):
            one(vendor.open(NOWHERE), asked(1, prefill="{"))


@pytest.mark.real
def test_a_schema_is_sent_in_the_vendors_own_form(vendor: Vendor, server: Running) -> None:
    schema = {"type": "object", "required": ["n"], "properties": {"n": {"enum": [1, 2]}}, "additionalProperties": False}
    with proxy(server.url) as between:
        found = one(vendor.open(between.url), asked(1, schema=schema))
    assert isinstance(found, Completion)
    [body] = between.bodies
    if vendor.scheme == "anthropic":
        assert body["output_config"] == {"format": {"type": "json_schema", "schema": schema}}
    else:
        assert body["response_format"]["json_schema"]["schema"] == schema
        assert json.loads(found.text)["n"] in (1, 2)


def test_what_is_asked_is_what_the_task_says_and_the_key_is_sent_but_shown_nowhere(vendor: Vendor, wire: str) -> None:
    with proxy(wire) as between:
        backend = vendor.open(between.url)
        one(backend, replace(asked(1), decoding=Decoding(7, 0.5)))
    [body], [headers] = between.bodies, between.headers
    assert body["temperature"] == 0.5
    assert body["max_tokens"] == 7
    assert any(KEYS[vendor.scheme] in value for value in headers.values())
    assert KEYS[vendor.scheme] not in json.dumps(backend.fingerprint)
    if vendor.scheme == "anthropic":
        assert body["system"] == [{"type": "text", "text": "Answer briefly.", "cache_control": {"type": "ephemeral"}}]


@pytest.mark.real
def test_a_model_that_the_server_does_not_have_stops_the_backend_at_once(vendor: Vendor, server: Running) -> None:
    with pytest.raises(BackendDied, match=r"nobody.*There is no model 'nobody' at http://127"):
        one(vendor.open(server.url, "nobody"))


# -- what passes, and what does not ---------------------------------------------------------------------


@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault_is_asked_again_and_the_answer_is_the_whole_one(vendor: Vendor, wire: str, fault: str) -> None:
    with proxy(wire, once(fault)) as between:
        found = one(vendor.open(between.url, timeout=3 if fault == "stalled" else 60))
    assert isinstance(found, Completion), found
    [whole] = between.delivered["Say 1."]
    assert found.text == text_in(vendor, whole)
    assert between.asked["Say 1."] == (1 if fault == "slow" else 2)


@pytest.mark.parametrize("fault", ["comments", "empty pieces", "drops of a header", "a body that never begins"])
def test_what_never_ends_is_given_up_and_said(
    vendor: Vendor, wire: str, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(VendorSettings, "patience", Patience(quiet=1, whole=5))
    with proxy(wire, lambda _: fault, stall=30) as between:
        found = one(vendor.open(between.url, tries=1, timeout=20))
    assert isinstance(found, NotAnswered)
    came = "nor anything else" if fault == "a body that never begins" else "though the server kept sending"
    assert f"nothing of the answer came for 1 s, {came}" in str(found)


def test_an_answer_that_grows_for_too_long_is_given_up_too(
    vendor: Vendor, wire: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(VendorSettings, "patience", Patience(quiet=60, whole=1))
    with proxy(wire, lambda _: "empty pieces", stall=30) as between:
        found = one(vendor.open(between.url, tries=1))
    assert "the answer did not come to its end in 1 s" in str(found)


def test_an_answer_that_is_cut_at_any_byte_is_never_taken_for_the_whole(vendor: Vendor, wire: str) -> None:
    """Without a length, where a cut looks like an end."""
    with proxy(wire) as between:
        one(vendor.open(between.url), asked(1, max_tokens=2))
    [whole] = between.delivered["Say 1."]
    needed = len(whole.rpartition("\n\nevent: message_stop" if vendor.scheme == "anthropic" else "\n\ndata: [DONE]")[0])
    with proxy(wire, lambda _: "instead") as cutting:
        backend = vendor.open(cutting.url, tries=1)
        for end in range(0, len(whole), 13):
            cutting.instead = whole[:end].encode()
            [(_, found)] = backend.answer([asked(1, max_tokens=2)])
            if end < needed:
                assert isinstance(found, NotAnswered), (end, found)
            elif isinstance(found, Completion):
                assert found.text == text_in(vendor, whole)
        backend.close()


@pytest.mark.parametrize(
    ("status", "remedy"),
    [("401", r"Check \w+_API_KEY\."), ("403", "This key may not"), ("404", "There is no model")],
)
def test_what_is_wrong_with_the_request_stops_the_backend_with_its_remedy(
    vendor: Vendor, status: str, remedy: str
) -> None:
    with proxy(NOWHERE, lambda _: status) as between:
        backend = vendor.open(between.url, most=1)
        with pytest.raises(BackendDied, match=rf"told by the proxy: {status}.*{remedy}") as caught:
            list(backend.answer([asked(number) for number in range(9)]))
        backend.close()
    assert between.asked.total() == 1
    assert KEYS[vendor.scheme] not in str(caught.value)


@pytest.mark.parametrize("status", ["400", "413", "422"])
def test_the_same_refusal_of_every_request_stops_the_backend(vendor: Vendor, status: str) -> None:
    with proxy(NOWHERE, lambda _: status) as between:
        backend = vendor.open(between.url, most=1)
        found: dict[str, Completion | Exception] = {}
        with pytest.raises(BackendDied, match=rf"told by the proxy: {status}"):
            keep(backend.answer([asked(number) for number in range(40)]), found)
        backend.close()
    assert between.asked.total() == 5
    assert all(isinstance(answer, NotAnswered) for answer in found.values())


@pytest.mark.parametrize("status", ["400", "413", "422"])
def test_a_refused_request_concerns_its_example(vendor: Vendor, wire: str, status: str) -> None:
    with proxy(wire, lambda question: status if int(question[4:-1]) % 2 else "") as between:
        backend = vendor.open(between.url, most=1)
        found = {request.example_id: answer for request, answer in backend.answer([asked(n) for n in range(14)])}
        backend.close()
    assert Counter(type(answer) for answer in found.values()) == {Completion: 7, NotAnswered: 7}
    assert between.asked.total() == 14


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"], ids=["another host", "another port"])
def test_neither_prompt_nor_key_is_sent_on_to_another_server(vendor: Vendor, host: str) -> None:
    with proxy(NOWHERE, lambda _: "instead") as there, proxy(NOWHERE, lambda _: "redirect") as between:
        between.leads_to = there.url.replace("127.0.0.1", host)
        backend = vendor.open(between.url, tries=3)
        with pytest.raises(BackendDied, match=rf"answered 307, which leads to http://{host}:\d+\. No prompt is sent"):
            list(backend.answer([asked(1)]))
        backend.close()
    assert (between.asked.total(), there.asked.total()) == (1, 0)


def test_a_page_of_a_proxy_is_not_taken_for_a_word_of_the_api(vendor: Vendor) -> None:
    with proxy(NOWHERE, lambda _: "instead") as between:
        between.instead, between.instead_as = b"<html><body>Blocked by the firewall</body></html>", (403, "text/html")
        with pytest.raises(BackendDied, match=r"Blocked by the firewall.*a proxy or a gateway") as caught:
            one(vendor.open(between.url))
    assert "may not use this model" not in str(caught.value)


@pytest.mark.parametrize(
    "body", [b'{"error": "Unexpected endpoint or method."}', b"<html>Welcome</html>", b"[]", b'"no"']
)
def test_what_is_no_answer_at_all_is_shown_with_the_address(vendor: Vendor, body: bytes) -> None:
    with proxy(NOWHERE, lambda _: "instead") as between:
        between.instead, between.instead_as = body, (200, "application/json")
        with pytest.raises(BackendDied, match=r"Check base_url \(http://127") as caught:
            one(vendor.open(between.url))
    assert body.decode().strip('"')[:12] in str(caught.value)


def test_what_is_in_flight_is_noted_until_its_answer_is_stored(vendor: Vendor, wire: str, tmp_path: Path) -> None:
    notes = tmp_path / "under_way"
    with proxy(wire, once("cut")) as between:
        backend = vendor.open(between.url, most=1)
        backend.in_flight = InFlight(notes)
        answers = backend.answer([asked(number) for number in range(3)])
        request, _ = next(answers)
        assert request.key(fingerprint_of(backend)) in {place.name for place in notes.iterdir()}
        answers.close()  # type: ignore[attr-defined]  # as by one who was stopped before he could store it
        backend.close()
        again = dict(backend.answer([asked(number) for number in range(3)]))
        backend.close()
    assert "may have been paid for" in str(again[request])
    assert [place.name for place in notes.iterdir()] == [request.key(fingerprint_of(backend))]
    assert sum(isinstance(answer, Completion) for answer in again.values()) == 2


def test_a_probe_of_latency_leaves_no_note_behind(vendor: Vendor, wire: str, tmp_path: Path) -> None:
    backend = vendor.open(wire, most=1)
    backend.in_flight = InFlight(tmp_path / "under_way")
    for _ in range(2):
        found = probe(backend, [asked(number, max_tokens=1) for number in (1, 2, 1)], lambda _: None)
        assert (found.problem, len(found.seconds)) == (None, 2)
    backend.close()
    assert not list((tmp_path / "under_way").iterdir())


def test_without_a_place_for_notes_nothing_is_sent(vendor: Vendor, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with proxy(NOWHERE) as between:
        backend = vendor.open(between.url, most=1)
        backend.in_flight = InFlight(tmp_path / "file" / "under_way")
        found = one(backend)
    assert "Nothing more is sent without it" in str(found)
    assert not between.asked


@pytest.mark.parametrize(("key", "price", "noted"), [
    ("", None, False), ("named", None, True), ("", Price(1, 1, 1, 1), True), ("named", Price(0, 0, 0, 0), False),
])  # fmt: skip
def test_only_what_may_be_paid_is_noted(vendor: Vendor, key: str, price: Price | None, noted: bool) -> None:
    name = f"{vendor.scheme.upper()}_API_KEY" if key else ""
    spec = Spec(vendor.scheme, "base")
    budget = Budget({str(spec): price} if price else {})
    task = market_direction()
    options = {"base_url": NOWHERE, "key": name}
    backend = vendor.module.open_backend(Opening(spec, task, ROOT, options, budget=budget))
    assert (backend.in_flight.folder is not None) is noted


def test_one_request_that_stays_unanswered_is_an_error_and_the_others_are_answered(vendor: Vendor, wire: str) -> None:
    with proxy(wire, lambda question: {"Say 1.": "500", "Say 2.": "413"}.get(question, "")) as between:
        backend = vendor.open(between.url, tries=3)
        found = {request.example_id: answer for request, answer in backend.answer([asked(n) for n in range(5)])}
        backend.close()
    assert {name for name, answer in found.items() if isinstance(answer, Completion)} == {"e0000", "e0003", "e0004"}
    assert "given up after 3 tries" in str(found["e0001"])
    assert "refuses this request" in str(found["e0002"])
    assert isinstance(found["e0001"], NotAnswered)


def test_a_server_that_was_never_there_is_given_up_after_three_tries(vendor: Vendor) -> None:
    backend = vendor.open(NOWHERE, tries=1000)
    with pytest.raises(BackendDied, match=r"no server answers \(APIConnectionError.*Start it, or mend base_url"):
        list(backend.answer([asked(number) for number in range(50)]))
    backend.close()


def test_a_server_that_is_gone_is_given_up_once_and_not_for_each_request(vendor: Vendor) -> None:
    backend = vendor.open(NOWHERE, tries=1000)
    backend.patience, backend._reached = 0.3, True
    with pytest.raises(BackendDied, match=r"nothing was answered for \d+ s \(APIConnectionError.*run the same command"):
        list(backend.answer([asked(number) for number in range(50)]))
    backend.close()


def test_retry_after_is_obeyed_by_all_that_wait(vendor: Vendor, wire: str) -> None:
    faults = iter(["429"])
    with proxy(wire, lambda _: next(faults, "")) as between:
        between.retry_after = "1.5"
        backend = vendor.open(between.url, most=4)
        backend.pace.limit = 1  # all four want to ask; what is in flight beside a refusal is no example of waiting
        answers = list(backend.answer([asked(number, max_tokens=1) for number in range(1, 5)]))
        backend.close()
    refused, *later = sorted(time for times in between.times.values() for time in times)
    assert (len(answers), len(later)) == (4, 4)
    assert min(later) - refused >= 1.5


@pytest.mark.parametrize(("wait", "said"), [("86400", "asks to wait 86400 s"), ("0", "nothing was answered")])
def test_a_server_that_is_always_too_busy_is_given_up(vendor: Vendor, wait: str, said: str) -> None:
    with proxy(NOWHERE, lambda _: "429") as between:
        between.retry_after = wait
        backend = vendor.open(between.url)
        backend.patience = 0.5
        with pytest.raises(BackendDied, match=rf"{said}.*What was answered is kept: run the same command"):
            list(backend.answer([asked(number) for number in range(20)]))
        backend.close()


def test_what_was_in_flight_when_the_server_refused_is_kept(vendor: Vendor, wire: str) -> None:
    """It was paid for."""
    with proxy(wire, lambda question: "401" if question == "Say 3." else "") as between:
        backend = vendor.open(between.url, most=4)
        found: dict[str, Completion | Exception] = {}
        with pytest.raises(BackendDied, match="401"):
            keep(backend.answer([asked(number) for number in range(40)]), found)
        backend.close()
    assert found.keys() == between.delivered.keys()
    assert between.asked.total() == len(found) + 1 < 40


# -- constructed from the published schemas -------------------------------------------------------------


def events(vendor: Vendor, *blocks: tuple[str, str], end: str, usage: dict[str, Any]) -> bytes:
    """An answer as the vendor streams it: blocks of a kind and a text, why it ended, and what it cost."""
    if vendor.scheme == "anthropic":
        message: dict[str, Any] = {
            "id": "m",
            "type": "message",
            "role": "assistant",
            "model": "x",
            "content": [],
            "stop_reason": None,
        }
        told: list[dict[str, Any]] = [{"type": "message_start", "message": {**message, "usage": usage}}]
        for index, (kind, text) in enumerate(blocks):
            empty = {"type": kind, kind: "", **({"signature": ""} if kind == "thinking" else {})}
            told += [
                {"type": "content_block_start", "index": index, "content_block": empty},
                {"type": "content_block_delta", "index": index, "delta": {"type": f"{kind}_delta", kind: text}},
                {"type": "content_block_stop", "index": index},
            ]
        told += [
            {"type": "message_delta", "delta": {"stop_reason": end}, "usage": usage},
            {"type": "message_stop"},
        ]
        return "".join(f"event: {one['type']}\ndata: {json.dumps(one)}\n\n" for one in told).encode()
    names = {"text": "content", "thinking": "reasoning_content", "refusal": "refusal"}
    chunk = {"id": "c", "object": "chat.completion.chunk", "created": 0, "model": "x"}
    deltas: list[tuple[dict[str, str], str | None]] = [({names[kind]: text}, None) for kind, text in blocks] + [
        ({}, end)
    ]
    told = [{**chunk, "choices": [{"index": 0, "delta": d, "finish_reason": why}]} for d, why in deltas]
    told.append({**chunk, "choices": [], "usage": usage})
    return "".join(f"data: {json.dumps(one)}\n\n" for one in told).encode() + b"data: [DONE]\n\n"


def constructed(vendor: Vendor, stream: bytes) -> Completion:
    with proxy(NOWHERE, lambda _: "instead") as between:
        between.instead = stream
        found = one(vendor.open(between.url))
    assert isinstance(found, Completion), found
    return found


USAGE: dict[str, dict[str, Any]] = {
    "anthropic": {
        "input_tokens": 5, "output_tokens": 7, "cache_read_input_tokens": 40, "cache_creation_input_tokens": 3,
    },
    "openai": {
        "prompt_tokens": 48, "completion_tokens": 7, "total_tokens": 55,
        "prompt_tokens_details": {"cached_tokens": 40, "cache_write_tokens": 3},
    },
}  # fmt: skip


def test_reasoning_is_set_apart_and_every_token_is_billed_once(vendor: Vendor) -> None:
    end = {"anthropic": "end_turn", "openai": "stop"}[vendor.scheme]
    stream = events(vendor, ("thinking", "Hm."), ("text", '{"a": 1}'), end=end, usage=USAGE[vendor.scheme])
    found = constructed(vendor, stream)
    assert (found.text, found.thinking, found.finish_reason) == ('{"a": 1}', "Hm.", "stop")
    assert found.usage == {"input": 5, "output": 7, "cached": 40, "cache_write": 3}
    assert found.prompt_tokens == 48


def test_a_refusal_is_a_named_defect_whatever_its_words(vendor: Vendor) -> None:
    blocks, end = {
        "anthropic": ([("text", "Nope.")], "refusal"),
        "openai": ([("refusal", "Nope.")], "stop"),
    }[vendor.scheme]
    found = constructed(vendor, events(vendor, *blocks, end=end, usage=USAGE[vendor.scheme]))
    assert found.finish_reason == "refusal"
    output = parse(found, schema=Schema({"type": "object"}), messages=asked(1).messages, prefill="")
    assert "refusal" in output.defects
    assert not output.strict


def test_an_answer_that_met_its_limit_says_so(vendor: Vendor) -> None:
    end = {"anthropic": "max_tokens", "openai": "length"}[vendor.scheme]
    found = constructed(vendor, events(vendor, ("text", "{"), end=end, usage=USAGE[vendor.scheme]))
    assert found.finish_reason == "length"


def test_a_key_goes_to_an_address_of_pyproject_only_where_it_is_named(vendor: Vendor) -> None:
    with proxy(NOWHERE, lambda _: "500") as between:
        one(vendor.open(between.url, key="", tries=1))
    assert not any(KEYS[vendor.scheme] in value for value in between.headers[0].values())


# -- what is wrong before anything is asked -------------------------------------------------------------


def test_without_a_key_the_vendors_own_server_is_not_asked(vendor: Vendor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(f"{vendor.scheme.upper()}_API_KEY")
    task = market_direction()
    with pytest.raises(MissingModel, match=f"{vendor.scheme}:x: set {vendor.scheme.upper()}_API_KEY"):
        vendor.module.open_backend(Opening(Spec(vendor.scheme, "x"), task, ROOT))
    # A server of one's own may need none.
    vendor.module.open_backend(Opening(Spec(vendor.scheme, "x"), task, ROOT, {"base_url": NOWHERE}))


@pytest.mark.parametrize(
    ("model", "options", "said"),
    [("", {}, "name a model, as in"), ("x", {"tries": 0}, "tries is 0, expected 1 or more"),
     ("x", {"tempo": 1}, "unknown option 'tempo'"),
     ("x", {"reasoning_tokens": -1}, "reasoning_tokens is -1, expected 0 or more"),
     ("x", {"base_url": "http://me:hidden@127.0.0.1"}, "a key belongs into a variable"),
     ("x", {"base_url": "localhost:8000"}, "expected http")],
)  # fmt: skip
def test_options_that_cannot_be_are_told(vendor: Vendor, model: str, options: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        vendor.open(NOWHERE, model, **options)


def test_what_shapes_answers_is_in_the_fingerprint_and_no_secret_is(vendor: Vendor) -> None:
    plain, drawn = vendor.open(NOWHERE), vendor.open(NOWHERE, sampling=False)
    assert KEYS[vendor.scheme] not in json.dumps(plain.fingerprint)
    assert fingerprint_of(plain) == fingerprint_of(vendor.open(NOWHERE, tries=3, most=1))
    assert fingerprint_of(plain) != fingerprint_of(drawn) != fingerprint_of(vendor.open(NOWHERE, "other"))
    assert fingerprint_of(plain) != fingerprint_of(vendor.open(NOWHERE, reasoning_tokens=100))
    assert drawn.fingerprint["decoding"] == {"sampling": "the vendor's own"}


# -- a thousand requests --------------------------------------------------------------------------------


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store(tmp_path / "store.sqlite")
    yield opened
    opened.close()


@pytest.mark.nightly
@pytest.mark.real
def test_of_a_thousand_requests_with_a_third_of_faults_none_is_wrong_and_none_asked_twice(
    vendor: Vendor, server: Running, store: Store, tmp_path: Path
) -> None:
    requests = [named(asked(number % 20), number) for number in range(1000)]
    with proxy(server.url, stall=4) as between:
        between.same_question = lambda question: question.partition(" #")[0]
        backend = vendor.open(between.url, timeout=2, most=16)
        slow = vendor.open(between.url)
        keep(slow.answer([asked(number) for number in range(20)]), {})  # who waits for a model is not to be timed out
        slow.close()
        between.fault, between.late = at_random(0.3), 1
        backend.model = replace(backend.model, price=Price(0.0, 1e6, 0.0, 0.0))
        backend.in_flight = InFlight(tmp_path / "under_way")
        task = market_direction()
        model = Model(Alias("served", ""), task, "", backend, fingerprint_of(backend))
        generate([(model, requests)], store, "run-1")
        first = Counter(between.asked)
        generate([(model, requests)], store, "run-1")
        backend.close()
        assert between.asked == first
    assert not list((tmp_path / "under_way").iterdir())
    assert between.faults.keys() - {"late"} == {"", *FAULTS}
    kept = store.get(model.key(request) for request in requests)
    failed = store.failures("run-1")
    assert len(kept) + len(failed) == 1000
    assert len(kept) > 980
    assert all("given up after 6 tries" in reason for reason in failed.values())
    for one_kept in kept.values():
        question = one_kept.request.messages[-1].content
        _, _, whole = between.answers[question.partition(" #")[0]]
        assert one_kept.completion.text == text_in(vendor, whole.decode())
        *before, last = between.drawn[question]
        assert last in (*WHOLE, "late", "cut", "stalled")  # which may come after the last event
        assert not set(WHOLE) & set(before)  # it was not asked again once an answer was there
    billed = sum((one_kept.completion.usage or {})["output"] for one_kept in kept.values())
    assert backend.model.budget.spent == billed > len(kept)
    broken = sum(between.faults[fault] for fault in ("cut", "stalled", "malformed", "error in the stream"))
    whole_all_the_same = sum(
        between.drawn[one.request.messages[-1].content][-1] in ("cut", "stalled") for one in kept.values()
    )
    assert 0 <= backend.model.budget.unknown - (broken - whole_all_the_same) <= between.faults["late"]
