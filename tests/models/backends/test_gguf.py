"""llama.cpp in process, with the real base and the committed adapter."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from evalkit.errors import BackendDied, ConfigError, MissingModel, NotAnswered
from evalkit.golden.loader import load_task
from evalkit.golden.model import Decoding
from evalkit.golden.schema import Schema
from evalkit.judging.output import parse
from evalkit.models.backend import Backend, Completion, Opening, Spec, fingerprint_of
from evalkit.models.backends.gguf import open_backend
from evalkit.models.chat_template import NO_ARGUMENTS, TemplateArguments
from evalkit.models.constraint.breach import breach
from evalkit.models.engines.llama_cpp import CHUNK
from evalkit.models.request import Asking, Message, Request, render
from fixtures.convert import base_gguf, float_base

ROOT = Path(__file__).parents[3]
ADAPTER = "fixtures/adapters/market_direction"
HEADLINES = [
    "Riverbank floods after record rain",
    "Central bank trims its key rate",
    "Striker out for six weeks",
    "Court strikes down the levy",
    "Minister denies talk of an early vote",
    "Copper falls to a two-year low",
    "Ferry line orders ten electric ships",
    "Truce holds for a fourth day",
]


@pytest.fixture(scope="module")
def opening(tmp_path_factory: pytest.TempPathFactory) -> Opening:
    base_gguf()
    task = load_task(ROOT / "golden" / "market_direction")
    models = {"smollm2": {"gguf": str(base_gguf()), "fetch": "make base"}}
    return Opening(Spec("gguf", "smollm2"), task, ROOT, models=models, cache=tmp_path_factory.mktemp("cache"))


def opened(opening: Opening, adapter: str = "", shared: dict[str, Any] | None = None, **options: object) -> Backend:
    spec = Spec("gguf", opening.spec.model, adapter)
    return open_backend(replace(opening, spec=spec, options=options, shared={} if shared is None else shared))


def asked(headline: str, *, max_tokens: int = 20, tail: int | None = 8, prefill: str = "") -> Request:
    messages = (Message("system", "Judge the headline. Answer with one JSON object."), Message("user", headline))
    return Request("market_direction", headline, messages, prefill, Decoding(max_tokens, tail=tail))


def texts(backend: Backend, requests: list[Request]) -> dict[str, str]:
    return {request.example_id: result.text for request, result in backend.answer(requests)}


@pytest.mark.real
def test_base_and_adapter_interleaved_on_one_server_answer_as_they_do_alone(opening: Opening) -> None:
    requests = [asked(headline) for headline in HEADLINES]
    alone = {
        adapter: texts(opened(opening, adapter, reproducible=False, slots=1), requests) for adapter in ("", ADAPTER)
    }
    shared: dict[str, Any] = {}
    base, tuned = (opened(opening, adapter, shared, reproducible=False, slots=1) for adapter in ("", ADAPTER))
    assert base.engine is tuned.engine, "they do not share their weights"  # type: ignore[attr-defined]

    together: dict[str, dict[str, str]] = {"": {}, ADAPTER: {}}
    for request in requests:  # the same prompt to one, then to the other: a mixed-up KV cache would be reused here
        together[""] |= texts(base, [request])
        together[ADAPTER] |= texts(tuned, [request])

    assert together == alone
    assert all(alone[""][headline] != alone[ADAPTER][headline] for headline in HEADLINES), "the adapter does nothing"


@pytest.mark.real
def test_what_one_slot_has_read_the_others_need_not_read_whatever_adapter_they_come_from(opening: Opening) -> None:
    requests = [asked(headline) for headline in HEADLINES[:4]]
    shared: dict[str, Any] = {}
    base, tuned = (opened(opening, adapter, shared, reproducible=False, slots=3) for adapter in ("", ADAPTER))
    by_base = texts(base, requests)
    engine = tuned.engine  # type: ignore[attr-defined]
    lora = [{"id": 0, "scale": 1.0}]
    prompt = engine._prompt(requests[0], NO_ARGUMENTS)
    [(_, answer)] = engine._ask_all([prompt], {"lora": lora, "id_slot": 0})

    engine._share_prompt(lora, 3)

    body = {"prompt": answer.rendered, "n_predict": 20, "temperature": 0, "samplers": ["temperature"], "lora": lora}
    told = [engine._server.handle_completions({**body, "id_slot": slot}) for slot in range(3)]
    assert [one["timings"]["prompt_n"] for one in told] == [1, 1, 1], "a slot has read the prompt again"
    assert len({one["choices"][0]["text"] for one in told}) == 1
    assert told[0]["choices"][0]["text"] != by_base[requests[0].example_id]
    assert not list(engine.cache.glob("slot-*")), "the state was left on disk"


@pytest.mark.real
def test_a_first_prompt_that_was_not_read_hands_nothing_round(
    opening: Opening, monkeypatch: pytest.MonkeyPatch
) -> None:
    good, too_long = asked("Rain", max_tokens=2), asked("Hail", max_tokens=4000)
    backend = opened(opening, reproducible=False, slots=3)
    engine, handed = backend.engine, []  # type: ignore[attr-defined]
    monkeypatch.setattr(engine, "_share_prompt", lambda _, slots: handed.append(slots))

    (_, refused), (_, answer) = backend.answer([too_long, good])

    assert isinstance(refused, NotAnswered)
    assert answer.completion_tokens == 2
    assert handed == [], "the slot may still hold what another adapter made of a prompt"
    list(backend.answer([good, too_long, asked("Fog", max_tokens=2)]))
    assert handed == [2]


@pytest.mark.real
def test_a_slot_that_gets_no_copy_reads_for_itself(opening: Opening, tmp_path: Path) -> None:
    requests = [render(opening.task, example) for example in opening.task.splits["dev"][:4]]
    cache = tmp_path / "cache"
    backend = opened(replace(opening, cache=cache), ADAPTER, reproducible=False, slots=3)
    backend.engine._load()  # type: ignore[attr-defined]
    shutil.rmtree(cache)  # nothing can be written there any more

    schema = Schema(opening.task.schema)
    for _, completion in backend.answer(requests):
        assert parse(completion, prefill="", schema=schema).strict  # type: ignore[arg-type]


@pytest.mark.real
@pytest.mark.parametrize("adapter", ["", ADAPTER])
def test_answers_are_the_same_alone_in_another_order_and_among_others(opening: Opening, adapter: str) -> None:
    requests = [
        replace(render(opening.task, example), decoding=Decoding(24)) for example in opening.task.splits["test"][:24]
    ]
    shared: dict[str, Any] = {}
    backend = opened(opening, adapter, shared)
    together = texts(backend, requests)
    assert texts(backend, requests[::-3]) == {
        request.example_id: together[request.example_id] for request in requests[::-3]
    }
    others = [asked(headline, max_tokens=8) for headline in HEADLINES[:2]]  # another beginning: nothing is shared
    among = texts(backend, [others[0], *requests[4:8], others[1]])
    assert among.items() >= {request.example_id: together[request.example_id] for request in requests[4:8]}.items()
    texts(opened(opening, "" if adapter else ADAPTER, shared), requests[:2])  # another model on the same weights
    for request in requests[:6]:
        assert texts(backend, [request]) == {request.example_id: together[request.example_id]}


@pytest.mark.real
def test_a_shared_beginning_is_read_once_in_whole_chunks(opening: Opening) -> None:
    requests = [render(opening.task, example) for example in opening.task.splits["test"][:2]]
    engine = opened(opening, ADAPTER).engine  # type: ignore[attr-defined]
    engine._load()
    tokens = [engine._prompt(request, NO_ARGUMENTS).tokens for request in requests]
    shared = engine._read_shared(tokens, [{"id": 0, "scale": 1.0}])
    assert shared > 0
    assert shared % CHUNK == 0
    assert tokens[0][:shared] == tokens[1][:shared]
    engine._post("/slots/0?action=restore", {"filename": engine._state.name})
    body = {"prompt": tokens[1], "n_predict": 1, "lora": [{"id": 0, "scale": 1.0}], "id_slot": 0}
    assert engine._server.handle_completions(body)["timings"]["prompt_n"] == len(tokens[1]) - shared
    list(engine.answer(requests[:2], None, NO_ARGUMENTS))
    assert not list(engine.cache.glob("slot-*")), "the state was left on disk"


@pytest.mark.real
def test_where_nothing_can_be_kept_each_prompt_is_read_from_its_first_token(opening: Opening, tmp_path: Path) -> None:
    requests = [replace(render(opening.task, one), decoding=Decoding(12)) for one in opening.task.splits["dev"][:3]]
    cache = tmp_path / "cache"
    backend = opened(replace(opening, cache=cache), ADAPTER)
    backend.engine._load()  # type: ignore[attr-defined]
    shutil.rmtree(cache)
    assert texts(backend, requests) == texts(opened(opening, ADAPTER), requests)


@pytest.mark.real
def test_an_answer_is_read_some_tokens_past_its_object_and_no_further(opening: Opening) -> None:
    request = render(opening.task, opening.task.splits["dev"][0])  # what the adapter was trained to answer with JSON
    at_once, to_the_end = (replace(request, decoding=Decoding(96, tail=tail)) for tail in (0, None))
    [(_, short)] = opened(opening, ADAPTER).answer([at_once])
    [(_, whole)] = opened(opening, ADAPTER).answer([to_the_end])
    assert (short.finish_reason, short.text.rstrip()[-1]) == ("object_closed", "}")
    assert whole.finish_reason == "stop"
    assert whole.text.startswith(short.text)


@pytest.mark.real
def test_the_prompt_that_was_read_is_kept_with_template_and_prefill(opening: Opening) -> None:
    [(_, completion)] = opened(opening).answer([asked("Rain", max_tokens=2, prefill="{")])
    assert completion.rendered == (
        "<|im_start|>system\nJudge the headline. Answer with one JSON object.<|im_end|>\n"
        "<|im_start|>user\nRain<|im_end|>\n<|im_start|>assistant\n{"
    )
    assert completion.completion_tokens == 2
    assert completion.finish_reason == "length"


@pytest.mark.real
def test_an_adapter_is_asked_with_the_template_of_its_folder_and_the_base_with_the_files(
    opening: Opening, tmp_path: Path
) -> None:
    own = tmp_path / "own"
    shutil.copytree(ROOT / ADAPTER, own)
    template = "{% for m in messages %}### {{ m['role'] }}:\n{{ m['content'] }}\n{% endfor %}### answer:"
    (own / "chat_template.jinja").write_text(template)
    shared: dict[str, Any] = {}
    base, tuned = opened(opening, "", shared), opened(opening, str(own), shared)
    prompts = []
    for backend in (base, tuned, base):
        [(_, completion)] = backend.answer([asked("Rain", max_tokens=2, prefill="{")])
        prompts.append(completion.rendered)
    told = "### system:\nJudge the headline. Answer with one JSON object.\n### user:\nRain\n### answer:{"
    assert prompts[1] == told
    assert prompts[0] == prompts[2] != prompts[1]
    assert list(tuned.fingerprint["adapter_own"]) == ["chat template"]


@pytest.mark.real
def test_the_switch_of_an_adapters_own_template_is_heeded_and_one_that_it_lacks_stops_it(
    opening: Opening, tmp_path: Path
) -> None:
    own = tmp_path / "own"
    shutil.copytree(ROOT / ADAPTER, own)
    template = "{% for m in messages %}{{ m.content }}\n{% endfor %}{% if enable_thinking %}<think>{% endif %}"
    (own / "chat_template.jinja").write_text(template)
    shared: dict[str, Any] = {}
    thinking = TemplateArguments(thinking=True)
    of_folder, of_file = (
        open_backend(replace(opening, spec=Spec("gguf", "smollm2", adapter), shared=shared, template=thinking))
        for adapter in (str(own), "")
    )
    [(_, completion)] = of_folder.answer([asked("Rain", max_tokens=2)])
    assert completion.rendered == "Judge the headline. Answer with one JSON object.\nRain\n<think>"
    with pytest.raises(BackendDied, match=r"thinking = true, and the chat template knows no such switch"):
        list(of_file.answer([asked("Rain")]))


def test_the_bases_own_tokenizer_beside_an_adapter_changes_nothing_and_more_tokens_are_refused(
    opening: Opening, tmp_path: Path
) -> None:
    same, more = tmp_path / "same", tmp_path / "more"
    for place in (same, more):
        shutil.copytree(ROOT / ADAPTER, place)
        for name in ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja"):
            shutil.copy(float_base() / name, place)
    table = json.loads((more / "tokenizer.json").read_text())
    table["added_tokens"] += [{"id": 49152 + n, "content": f"<tool_{n}>", "special": True} for n in range(2)]
    (more / "tokenizer.json").write_text(json.dumps(table))
    assert opened(opening, str(same)).fingerprint == opened(opening, ADAPTER).fingerprint
    with pytest.raises(
        MissingModel, match=r"adds 2 tokens that .* lacks \('<tool_0>', '<tool_1>'\)\. Merge the adapter"
    ):
        opened(opening, str(more))


@pytest.mark.real
def test_constrained_answers_of_the_base_are_strictly_valid(opening: Opening) -> None:
    task = opening.task
    requests = [render(task, example, Asking(constrained=True)) for example in task.splits["dev"][:2]]
    schema = Schema(task.schema)
    for _, completion in opened(opening, reproducible=False, slots=2).answer(requests):
        output = parse(completion, prefill="", schema=schema)  # type: ignore[arg-type]
        assert (output.strict, output.why) == (True, "")


@pytest.mark.real
@pytest.mark.parametrize(
    "part",
    [
        {"type": "integer", "minimum": 3, "maximum": 12},
        {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"], "additionalProperties": False},
        {"oneOf": [{"const": "no"}, {"type": "integer", "minimum": 1, "maximum": 9}]},
        {"type": "string", "format": "date"},
        {"type": "array", "items": {"type": "boolean"}, "minItems": 1, "maxItems": 2, "uniqueItems": True},
    ],
)
def test_integers_objects_choices_formats_and_lists_are_held(opening: Opening, part: dict[str, Any]) -> None:
    schema = {"type": "object", "properties": {"a": part}, "required": ["a"], "additionalProperties": False}
    backend = opened(opening)
    held = backend.held(schema)  # type: ignore[attr-defined]
    [(_, answer)] = backend.answer([replace(asked("Rain", max_tokens=60), schema=held.sent)])
    assert isinstance(answer, Completion)
    assert answer.finish_reason == "stop"
    assert breach(answer, held.obeyed) is None


@pytest.mark.real
def test_a_schema_that_cant_be_held_ends_the_backend_and_leaves_no_free_answer(opening: Opening) -> None:
    # llama.cpp says so on standard error alone, and then answers freely.
    request = replace(asked("Rain", max_tokens=4), schema={"type": "object", "not": {"required": ["a"]}})
    with pytest.raises(BackendDied, match=r"can't hold answers to the schema of market_direction"):
        list(opened(opening, reproducible=False, slots=1).answer([request]))


@pytest.mark.real
def test_a_prompt_that_does_not_fit_is_not_answered_and_the_others_are(opening: Opening) -> None:
    long = asked("word " * 1200)
    results = {request.example_id: result for request, result in opened(opening).answer([long, asked("Rain")])}
    with pytest.raises(NotAnswered, match=r"don't fit into context = 1024; raise `context`"):
        raise results[long.example_id]  # type: ignore[misc]
    assert results["Rain"].text


@pytest.mark.real
def test_closing_the_answers_stops_the_work_and_the_backend_can_be_asked_again(opening: Opening) -> None:
    backend = opened(opening, reproducible=False, slots=2)
    answers = backend.answer([asked(headline, max_tokens=200, tail=None) for headline in HEADLINES])
    next(answers)
    answers.close()  # type: ignore[attr-defined]
    assert len(texts(backend, [asked("Rain", max_tokens=4)])) == 1


def test_another_adapter_or_mode_has_another_fingerprint(opening: Opening) -> None:
    marks = [opened(opening), opened(opening, ADAPTER), opened(opening, reproducible=False)]
    assert len({fingerprint_of(backend) for backend in marks}) == 3
    assert fingerprint_of(opened(opening, reproducible=False, slots=3)) == fingerprint_of(marks[2])
    assert [backend.fingerprint["reproducible"] for backend in marks] == ["chunks of 64", "chunks of 64", False]


@pytest.mark.parametrize(
    ("spec", "options", "error", "message"),
    [
        ("gguf:nowhere.gguf", {}, MissingModel, r"gguf:nowhere\.gguf: no file .*nowhere\.gguf.*registered.*smollm2"),
        ("gguf:smollm2+nowhere", {}, MissingModel, r"the adapter .*nowhere is not there\. Expected a PEFT folder"),
        ("gguf:smollm2+golden", {}, MissingModel, r"has no adapter_model\.safetensors"),
        ("gguf:README.md", {}, MissingModel, r"README\.md is not a GGUF file"),
        (
            "gguf:smollm2",
            {"slot": 2},
            ConfigError,
            r"unknown option 'slot'\. Did you mean 'slots'\? Known: .*context.*, slots",
        ),
        ("gguf:smollm2", {"slots": "many"}, ConfigError, r"slots is 'many', expected a whole number"),
        ("gguf:smollm2", {"slots": 4}, ConfigError, r"slots is set, .* one at a time: take slots away, or set reprod"),
    ],
)
def test_what_is_missing_or_misspelt_is_said_before_anything_is_loaded(
    opening: Opening, spec: str, options: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        open_backend(replace(opening, spec=Spec.parse(spec), options=options))


def test_weights_that_are_not_the_registered_ones_are_refused(opening: Opening) -> None:
    models = {"smollm2": {**opening.models["smollm2"], "gguf_sha256": "0" * 64}}
    with pytest.raises(MissingModel, match=r"has sha256 0c1d3326c.*but .*says 0000.*Delete the file"):
        open_backend(replace(opening, models=models))


def cut_short(file: bytes) -> bytes:
    return file[: len(file) // 2]


def of_another_architecture(file: bytes) -> bytes:
    return file.replace(b"llama", b"xyzab", 1)


@pytest.mark.real
@pytest.mark.parametrize(
    ("damage", "cause"),
    [
        (cut_short, r"tensor 'blk.*' data is not within the file bounds, model is corrupted or incomplete"),
        (of_another_architecture, r"unknown model architecture: 'xyzab'"),
    ],
)
def test_weights_that_cant_be_loaded_are_told_with_the_engines_own_cause(
    opening: Opening, tmp_path: Path, damage: Callable[[bytes], bytes], cause: str, capfd: pytest.CaptureFixture[str]
) -> None:
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(damage(base_gguf().read_bytes()))
    with pytest.raises(BackendDied, match=rf"llama\.cpp could not load .*broken\.gguf: {cause}$"):
        list(open_backend(replace(opening, spec=Spec("gguf", str(broken)))).answer([asked("Rain")]))
    assert capfd.readouterr().err == "", "what is told is told twice"


@pytest.mark.real
def test_ctrl_c_is_heard_in_the_middle_of_an_answer(tmp_path: Path) -> None:
    base = base_gguf()
    script = textwrap.dedent(f"""
        from pathlib import Path
        from evalkit.models.backend import Opening, Spec
        from evalkit.models.backends.gguf import open_backend
        from evalkit.golden.loader import load_task
        from evalkit.models.request import Message, Request
        from evalkit.golden.model import Decoding
        task = load_task(Path({str(ROOT / "golden" / "market_direction")!r}))
        backend = open_backend(Opening(Spec("gguf", {str(base)!r}), task, Path("."), cache=Path("cache")))
        long = Decoding(900, tail=None)
        many = [Request("t", str(n), (Message("user", f"Count to {{n}}000"),), "", long) for n in range(64)]
        answers = backend.answer([Request("t", "first", (Message("user", "Hi"),), "", Decoding(1)), *many])
        next(answers)
        print("asked", flush=True)
        list(answers)
    """)
    process = subprocess.Popen(
        [sys.executable, "-c", script], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "asked\n"
    os.kill(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=120)
    assert said.rstrip().endswith("KeyboardInterrupt")
    assert process.returncode == -signal.SIGINT


def with_template(model: Path, made: Path, template: str) -> Path:
    """The file ``model`` with another chat template, which is no longer than its own."""
    from gguf import GGUFReader

    field = GGUFReader(model).fields["tokenizer.chat_template"]
    own = bytes(field.parts[field.data[0]])
    padded = template.encode() + b"{#" + b" " * (len(own) - len(template.encode()) - 4) + b"#}"
    made.write_bytes(model.read_bytes().replace(own, padded, 1))
    return made


@pytest.mark.real
@pytest.mark.parametrize(
    ("template", "said"),
    [
        (
            "{% for m in messages %}{{ m.role }}: {{ m.content[:30] }}{% endfor %}",
            r"none of 2 prompts can be asked\. .*leaves out or cuts a part of the user's text 'Central bank trims",
        ),
        (
            "{% for m in messages %}{% if m.content[:30] != m.content %}{{ raise_exception('Too wordy') }}{% endif %}"
            "{{ m.role }}: {{ m.content }}{% endfor %}",
            r"none of 2 prompts can be asked\. .*refuses the prompt: Too wordy \(llama\.cpp, /apply-template\)$",
        ),
    ],
    ids=["cuts", "raises"],
)
def test_a_template_that_spoils_every_prompt_stops_the_model_in_one_sentence(
    opening: Opening, tmp_path: Path, template: str, said: str
) -> None:
    model = with_template(base_gguf(), tmp_path / "odd.gguf", template)
    backend = opened(replace(opening, spec=Spec("gguf", str(model))))
    messages = [(Message("user", "Central bank trims its key rate, and does so again"),)] * 2
    requests = [replace(asked(f"h-{n}"), messages=turns) for n, turns in enumerate(messages)]
    with pytest.raises(BackendDied, match=said) as raised:
        list(backend.answer(requests))
    assert "\n" not in str(raised.value)
