"""A real Ollama server, found or built by the fixtures, with the real base in it."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from evalkit.errors import BackendDied, ConfigError, MissingModel, NotAnswered
from evalkit.golden.loader import load_task
from evalkit.golden.model import Decoding
from evalkit.golden.schema import Schema
from evalkit.judging.answer import Grader
from evalkit.judging.lineage import follow
from evalkit.judging.lineage_steps import LineageTerms, Rung
from evalkit.judging.output import parse
from evalkit.judging.wholesale import wholesale
from evalkit.judging.wording import explanation
from evalkit.models.backend import Backend, Completion, Opening, Spec, fingerprint_of
from evalkit.models.backends import gguf as gguf_backend
from evalkit.models.backends.ollama import OllamaBackend, open_backend
from evalkit.models.request import Asking, Message, Request, render
from fixtures.convert import base_gguf
from fixtures.serve import Running, create, running

pytestmark = pytest.mark.real

ROOT = Path(__file__).parents[3]
HEADLINES = ["Riverbank floods after record rain", "Central bank trims its key rate", "Striker out for six weeks"]


@pytest.fixture
def opening(server: Running, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Opening:
    monkeypatch.setenv("OLLAMA_HOST", server.environment["OLLAMA_HOST"])
    monkeypatch.setenv("OLLAMA_NUM_PARALLEL", server.environment["OLLAMA_NUM_PARALLEL"])
    return Opening(Spec("ollama", "base"), load_task(ROOT / "golden" / "market_direction"), ROOT, cache=tmp_path)


def opened(opening: Opening, model: str = "base", **options: object) -> Backend:
    return open_backend(replace(opening, spec=Spec("ollama", model), options=options))


def asked(headline: str, *, max_tokens: int = 16, prefill: str = "", repeat_penalty: float = 1.0) -> Request:
    messages = (Message("system", "Judge the headline. Answer with one JSON object."), Message("user", headline))
    return Request("market_direction", headline, messages, prefill, Decoding(max_tokens, repeat_penalty=repeat_penalty))


def answers(backend: Backend, requests: list[Request]) -> dict[str, Completion]:
    found = dict(backend.answer(requests))
    assert all(isinstance(one, Completion) for one in found.values()), found
    return {request.example_id: one for request, one in found.items()}  # type: ignore[misc]


def test_the_prompt_is_that_of_the_same_file_in_process_and_the_server_tells_what_it_cost(opening: Opening) -> None:
    requests = [asked(headline) for headline in HEADLINES]
    here = gguf_backend.open_backend(replace(opening, spec=Spec("gguf", str(base_gguf()))))
    served, in_process = answers(opened(opening), requests), answers(here, requests)
    for headline in HEADLINES:
        assert served[headline].rendered == in_process[headline].rendered
        assert served[headline].prompt_tokens == in_process[headline].prompt_tokens
        assert served[headline].completion_tokens == 16
        assert served[headline].finish_reason == "length"
        assert served[headline].seconds["answer"] > 0  # type: ignore[index]
    assert sum(served[headline].text == in_process[headline].text for headline in HEADLINES) >= 2


def test_the_tasks_repeat_penalty_does_the_same_in_process_and_on_the_server(opening: Opening) -> None:
    requests = [asked(headline, repeat_penalty=1.3) for headline in HEADLINES]
    here = gguf_backend.open_backend(replace(opening, spec=Spec("gguf", str(base_gguf()))))
    served, in_process = answers(opened(opening), requests), answers(here, requests)
    plain = answers(here, [asked(headline) for headline in HEADLINES])
    assert sum(served[headline].text == in_process[headline].text for headline in HEADLINES) >= 2
    assert all(plain[headline].text != in_process[headline].text for headline in HEADLINES)


def test_the_fingerprint_holds_what_the_server_says_of_the_model_and_how_it_is_asked(opening: Opening) -> None:
    plain, penalized, served = opened(opening), opened(opening, repeat_penalty=1.1), opened(opening, as_served=True)
    assert plain.fingerprint["quantization"] == "Q8_0"
    assert "<|im_start|>" in plain.fingerprint["template"]
    assert len(plain.fingerprint["digest"]) == 64
    assert [one.fingerprint["decoding"] for one in (plain, penalized, served)] == [
        {}, {"repeat_penalty": 1.1}, {"as_served": True},
    ]  # fmt: skip
    assert len({fingerprint_of(one) for one in (plain, penalized, served, opened(opening, "closed"))}) == 4


def test_the_servers_own_repeat_penalty_changes_answers_and_is_named_as_decoding(opening: Opening) -> None:
    task = opening.task
    requests = [replace(render(task, example), decoding=Decoding(48)) for example in task.splits["test"][:4]]
    marker, found, rungs = Grader(task), {}, []
    for name, parent, options in (("neutral", None, {}), ("penalized", "neutral", {"repeat_penalty": 1.1})):
        backend = opened(opening, **options)  # type: ignore[arg-type]
        told = answers(backend, requests)
        examples = {example.id: example for example in task.splits["test"]}
        found[name] = {
            one.example_id: marker.grade(name, examples[one.example_id], one, told[one.example_id]) for one in requests
        }
        rungs.append(Rung(name, parent, backend.fingerprint["decoding"], {}))
    assert any(found["neutral"][name].text != found["penalized"][name].text for name in found["neutral"])
    [step] = follow("penalty", rungs, found, LineageTerms(task, "test", 0.05)).steps
    assert (step.cause, explanation(step.why)) == ("decoding", "repeat_penalty 1.0 became 1.1")


def test_a_template_without_the_system_message_is_named_as_a_template_and_not_as_quantization_loss(
    opening: Opening,
) -> None:
    task = opening.task
    example = task.splits["test"][0]
    request = replace(render(task, example), decoding=Decoding(8))
    marker, found = Grader(task), {}
    for name in ("base", "no-system"):
        told = answers(opened(opening, name), [request])
        found[name] = {example.id: marker.grade(name, example, request, told[example.id])}
    rungs = [Rung("base", None, {}, {}), Rung("no-system", "base", {}, {})]
    [step] = follow("template", rungs, found, LineageTerms(task, "test", 0.05)).steps
    assert step.cause == "template"
    why = explanation(step.why)
    assert why.startswith("the rendered prompt is another on 1 of 1 example: '<|im_start|>system")
    assert why.endswith("the system message is left out of 1 of them")
    assert [item.kind for item in wholesale(found["no-system"].values())] == ["no_system"]


def test_an_answer_goes_on_where_the_prefill_ends(opening: Opening) -> None:
    [completion] = answers(opened(opening), [asked("Rain", prefill='{"mood":')]).values()
    assert completion.rendered is not None
    assert completion.rendered.endswith('<|im_start|>assistant\n{"mood":')
    assert not completion.text.lstrip().startswith("{")


def test_a_template_that_closes_the_prefill_is_refused_before_anything_is_answered(opening: Opening) -> None:
    with pytest.raises(BackendDied, match=r"its template closes the assistant's turn, so that an answer can't"):
        list(opened(opening, "closed").answer([asked("Rain", prefill="{")]))


def test_constrained_answers_of_the_base_are_strictly_valid(opening: Opening) -> None:
    task = opening.task
    request = render(task, task.splits["dev"][0], Asking(constrained=True))
    [completion] = answers(opened(opening), [request]).values()
    assert parse(completion, prefill="", schema=Schema(task.schema)).strict


def test_what_does_not_fit_is_an_error_and_is_never_cut(opening: Opening) -> None:
    long = asked("Rain " * 600)
    [(_, result)] = opened(opening, context=256).answer([long])
    assert isinstance(result, NotAnswered)
    assert "don't fit into context = 256; raise `context`" in str(result)


def test_a_template_that_cuts_what_is_asked_stops_the_model_and_is_not_taken_for_a_prompt_too_long(
    opening: Opening,
) -> None:
    request = replace(
        asked("Copper falls to a two-year low"), inserted=(("headline", "Copper falls to a two-year low"),)
    )
    with pytest.raises(BackendDied, match=r"ollama:first-words: its template leaves out or cuts the field 'headline'"):
        list(opened(opening, "first-words").answer([request]))


def test_a_field_that_stands_in_a_dropped_system_message_alone_stops_the_model(opening: Opening) -> None:
    system = Message("system", "Judge for readers in Oslo.")
    request = asked("Rain")
    request = replace(request, messages=(system, request.messages[-1]), inserted=(("place", "Oslo"),))
    with pytest.raises(BackendDied, match=r"leaves out the system message, and the field 'place'.*into_user"):
        list(opened(opening, "no-system").answer([request]))


def test_no_such_model_lists_those_there_are(opening: Opening) -> None:
    with pytest.raises(MissingModel, match=r"has no such model\. It has: base:latest, closed.*`ollama pull rooter`"):
        opened(opening, "rooter")


def test_no_server_says_how_to_start_one(opening: Opening) -> None:
    with pytest.raises(MissingModel, match=r"no Ollama server answers at http://127\.0\.0\.1:9 .*`ollama serve`"):
        opened(opening, host="127.0.0.1:9")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"context": 0}, "context must be above 0"),
        ({"patience": "long"}, "patience is 'long', expected a whole number"),
        ({"think": True}, "unknown option 'think'.* Did you mean 'thinking'"),
    ],
)
def test_options_that_cannot_be_used_are_refused(opening: Opening, options: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        opened(opening, **options)


def test_patience_begins_with_the_first_failure_and_not_with_the_answer(
    opening: Opening, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend = opened(opening, patience=2)
    whole, tries = OllamaBackend._answer_once, []

    def breaks_once(self: Any, request: Request, stopped: Any) -> Any:
        tries.append(request)
        if len(tries) == 1:
            time.sleep(2.2)
            raise ConnectionError("the answer ended in the middle")
        return whole(self, request, stopped)

    monkeypatch.setattr(OllamaBackend, "_answer_once", breaks_once)
    assert answers(backend, [asked(HEADLINES[0])])[HEADLINES[0]].completion_tokens == 16


def test_a_server_that_is_killed_in_mid_run_and_started_again_loses_nothing(opening: Opening, tmp_path: Path) -> None:
    requests = [asked(headline) for headline in HEADLINES]
    expected = {name: one.text for name, one in answers(opened(opening, parallel=1), requests).items()}
    home = tmp_path / "ollama"
    with running(home) as first:
        create(first, "base", base_gguf())
        port = int(first.url.rpartition(":")[2])
        backend = opened(opening, host=first.url, parallel=1)
        told = backend.answer(requests)
        found = [next(told)]
        first.process.kill()
        first.process.wait()
        with running(home, port):
            found += list(told)
    assert {request.example_id: one.text for request, one in found} == expected


def test_a_server_that_stays_away_is_a_backend_that_died(opening: Opening, tmp_path: Path) -> None:
    with running(tmp_path / "ollama") as gone:
        create(gone, "base", base_gguf())
        backend = opened(opening, host=gone.url, patience=1)
    with pytest.raises(BackendDied, match=r"did not answer for 1 s .*Start it again, then run the same command"):
        list(backend.answer([asked("Rain")]))


def test_a_server_is_gone_when_its_block_ends(server: Running, tmp_path: Path) -> None:
    with running(tmp_path / "ollama") as other:
        assert other.process.poll() is None
        assert other.url != server.url
    assert other.process.poll() is not None
    with pytest.raises(ProcessLookupError):
        os.kill(other.process.pid, 0)
