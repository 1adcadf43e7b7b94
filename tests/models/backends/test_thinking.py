"""``thinking`` and ``template`` of an alias, on each backend: what is sent, fingerprinted and refused."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from fault_proxy import proxy

from evalkit.errors import BackendDied, ConfigError
from evalkit.golden.loader import load_task
from evalkit.golden.model import Decoding
from evalkit.models.backend import Backend, Completion, Opening, Spec, fingerprint_of
from evalkit.models.backends import anthropic, gguf, hf, ollama, openai
from evalkit.models.chat_template import NO_ARGUMENTS, TemplateArguments
from evalkit.models.engines.ollama_server import Server
from evalkit.models.request import Message, Request
from fixtures.convert import base_gguf
from fixtures.serve import Running, create
from fixtures.thinking import OLLAMA_TEMPLATE, thinking_folder, thinking_gguf

ROOT = Path(__file__).parents[3]
MODULES = {"anthropic": anthropic, "openai": openai, "ollama": ollama, "gguf": gguf, "hf": hf}
REQUEST = Request("t", "e0001", (Message("system", "Answer briefly."), Message("user", "Say 1.")), "", Decoding(12))
ON, OFF = TemplateArguments(True), TemplateArguments(False)
EFFORT = TemplateArguments(None, {"reasoning_effort": "low"})


def opened(scheme: str, template: TemplateArguments, model: str = "base", **options: object) -> Backend:
    task = load_task(ROOT / "golden" / "market_direction", verify=False)
    opening = Opening(Spec(scheme, model), task, ROOT, options, cache=ROOT / ".evalkit" / "cache", template=template)
    backend: Backend = MODULES[scheme].open_backend(opening)
    return backend


def one(backend: Backend) -> Completion:
    with closing(backend):
        [(_, answer)] = backend.answer([REQUEST])
    assert isinstance(answer, Completion)
    return answer


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for vendor in ("ANTHROPIC", "OPENAI"):
        monkeypatch.setenv(f"{vendor}_API_KEY", "k")
        monkeypatch.delenv(f"{vendor}_BASE_URL", raising=False)


@pytest.mark.parametrize(
    ("template", "options", "sent"),
    [
        (NO_ARGUMENTS, {}, None),
        (OFF, {}, {"type": "disabled"}),
        (ON, {"reasoning_tokens": 2000}, {"type": "enabled", "budget_tokens": 2000}),
        (ON, {"reasoning_tokens": 2000, "adaptive": True}, {"type": "adaptive"}),
        (NO_ARGUMENTS, {"reasoning_tokens": 2000}, {"type": "enabled", "budget_tokens": 2000}),
    ],
)
def test_anthropic_is_told_to_think_or_not_to(
    template: TemplateArguments, options: dict[str, Any], sent: object
) -> None:
    backend: Any = opened("anthropic", template, **options)
    with closing(backend.model.connect()) as connection:
        body = connection._body(REQUEST)
    assert body.get("thinking") == sent
    assert body["max_tokens"] == 12 + options.get("reasoning_tokens", 0)


@pytest.mark.parametrize(
    ("template", "sent"),
    [
        (NO_ARGUMENTS, None),
        (OFF, {"enable_thinking": False, "thinking": False}),
        (EFFORT, {"reasoning_effort": "low"}),
    ],
)
def test_a_server_of_chat_completions_hands_it_to_its_template(
    template: TemplateArguments, sent: object, wire: str
) -> None:
    with proxy(wire) as between:
        one(opened("openai", template, base_url=f"{between.url}/v1"))
    [body] = between.bodies
    assert (body.get("chat_template_kwargs"), body.get("reasoning_effort")) == (sent, None)


@pytest.mark.parametrize(
    ("template", "options", "effort"),
    [(NO_ARGUMENTS, {}, None), (OFF, {}, "none"), (ON, {}, "medium"), (ON, {"effort": "high"}, "high")],
)
def test_openai_itself_hears_an_effort(template: TemplateArguments, options: dict[str, Any], effort: object) -> None:
    backend: Any = opened("openai", template, **options)
    with closing(backend.model.connect()) as connection:
        questions = connection.questions
    assert questions.body(REQUEST).get("reasoning_effort") == effort
    assert questions.extra == {}
    assert backend.fingerprint["decoding"].get("effort") == effort


@pytest.mark.parametrize("scheme", ["anthropic", "openai"])
def test_on_and_off_are_two_models_and_unset_is_the_one_that_it_was(scheme: str) -> None:
    how: dict[str, Any] = {"base_url": "http://127.0.0.1:9", "reasoning_tokens": 0 if scheme == "openai" else 5}
    on, unset = (fingerprint_of(opened(scheme, template, **how)) for template in (ON, NO_ARGUMENTS))
    off = fingerprint_of(opened(scheme, OFF, **{**how, "reasoning_tokens": 0}))
    assert len({on, off, unset}) == 3
    assert "template_arguments" not in opened(scheme, NO_ARGUMENTS, **how).fingerprint


@pytest.mark.parametrize(
    ("scheme", "template", "options", "said"),
    [
        ("anthropic", ON, {}, "thinking = true needs `reasoning_tokens`"),
        ("anthropic", OFF, {"reasoning_tokens": 9}, "thinking = false, and reasoning_tokens = 9"),
        ("anthropic", EFFORT, {}, "template is set for this alias, and the Messages API hands nothing"),
        ("openai", EFFORT, {}, "template is set for this alias, and OpenAI hands nothing"),
        ("openai", OFF, {"effort": "high"}, "thinking = false, and effort = 'high'"),
        ("openai", ON, {"effort": "none"}, "thinking = true, and effort = 'none'"),
        ("anthropic", NO_ARGUMENTS, {"think": True}, "Did you mean 'thinking'"),
    ],
)
def test_what_contradicts_itself_or_cannot_be_had_is_refused(
    scheme: str, template: TemplateArguments, options: dict[str, Any], said: str
) -> None:
    with pytest.raises(ConfigError, match=said):
        opened(scheme, template, **options)


ABOUT = {"server": "0.24.0", "digest": "d", "quantization": "F16", "template": "T", "parameters": "", "thinks": True}


@pytest.fixture
def thinks(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What an Ollama server says of a model; it can be changed."""
    about = dict(ABOUT)
    monkeypatch.setattr(Server, "about", lambda *_: about)
    return about


@pytest.mark.usefixtures("thinks")
@pytest.mark.parametrize(
    ("template", "sent", "decoding"),
    [
        (NO_ARGUMENTS, {"think": True}, {"think": True}),
        (ON, {"think": True}, {"think": True}),
        (OFF, {"think": False}, {}),
        (EFFORT, {"think": "low"}, {"think": "low"}),
    ],
)
def test_ollama_is_sent_think(template: TemplateArguments, sent: dict[str, Any], decoding: dict[str, Any]) -> None:
    backend: Any = opened("ollama", template)
    body = backend._body(REQUEST)
    assert {key: body[key] for key in ("think",) if key in body} == sent
    assert backend.fingerprint["decoding"] == decoding


def test_a_model_that_ollama_knows_no_switch_of_says_so(thinks: dict[str, Any]) -> None:
    thinks["thinks"] = False
    for template in (ON, OFF, EFFORT):
        with pytest.raises(ConfigError, match="the server says that this model knows no such switch"):
            opened("ollama", template)
    assert opened("ollama", NO_ARGUMENTS).fingerprint["decoding"] == {}


@pytest.mark.usefixtures("thinks")
def test_ollama_takes_no_other_argument_of_a_template() -> None:
    with pytest.raises(ConfigError, match="template has budget: Ollama hands its templates nothing but"):
        opened("ollama", TemplateArguments(None, {"budget": 1}))


@pytest.mark.real
@pytest.mark.parametrize(
    ("template", "end"),
    [(NO_ARGUMENTS, "<think>\n"), (ON, "assistant\n<think>\n"), (OFF, "assistant\n<think>\n\n</think>\n\n")],
)
def test_both_engines_render_the_same_prompt(template: TemplateArguments, end: str, tmp_path: Path) -> None:
    texts, marks = set(), set()
    for scheme, model in (("gguf", thinking_gguf()), ("hf", thinking_folder(tmp_path / "thinking"))):
        backend = opened(scheme, template, str(model))
        answer = one(backend)
        texts.add((answer.rendered, answer.prompt_digest))
        marks.add("template_arguments" in backend.fingerprint)
    [(rendered, _)] = texts
    assert (rendered or "").endswith(end)
    assert marks == {template is not NO_ARGUMENTS}


@pytest.fixture(scope="module")
def thinker(server: Running) -> Running:
    """The server with the base as a thinking model in it."""
    create(server, "thinker", base_gguf(), template=OLLAMA_TEMPLATE)
    return server


@pytest.mark.real
@pytest.mark.parametrize(
    ("template", "end", "reasons"), [(NO_ARGUMENTS, "<think>\n", True), (OFF, "<think>\n\n</think>\n\n", False)]
)
def test_a_real_ollama_hands_over_the_reasoning_apart_or_has_none(
    template: TemplateArguments, end: str, reasons: bool, thinker: Running
) -> None:
    answer = one(opened("ollama", template, "thinker", host=thinker.url))
    assert (answer.rendered or "").endswith(f"assistant\n{end}")
    assert (bool(answer.thinking), bool(answer.text)) == (reasons, not reasons)


@pytest.mark.real
@pytest.mark.parametrize("template", [OFF, TemplateArguments(None, {"reasoning_effort": "low"})])
def test_a_file_whose_template_does_not_heed_it_stops(template: TemplateArguments) -> None:
    with pytest.raises(BackendDied, match=r"Q8_0\.gguf: .*the chat template (knows no such switch|never reads)"):
        one(opened("gguf", template, str(base_gguf())))
