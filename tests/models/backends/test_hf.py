"""transformers on this machine, with the real base and the committed adapter."""

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
import torch
from safetensors.torch import load_file
from tiny_peft import adapter, logits, tuned

from evalkit.errors import BackendDied, ConfigError, MissingModel, NotAnswered
from evalkit.golden.loader import load_task
from evalkit.golden.model import Decoding
from evalkit.models.backend import Backend, Completion, Opening, Spec, fingerprint_of
from evalkit.models.backends.hf import open_backend
from evalkit.models.constraint.breach import breach
from evalkit.models.engines.torch_weights import HfWeights
from evalkit.models.request import Asking, Message, Request, render
from fixtures.convert import float_base
from fixtures.merge import merge

ROOT = Path(__file__).parents[3]
ADAPTER = "fixtures/adapters/market_direction"
TEXTS = ["Copper falls to a two-year low", "Truce holds", "Court strikes down the levy, and the council appeals", "Hi"]


@pytest.fixture(scope="module")
def opening(tmp_path_factory: pytest.TempPathFactory) -> Opening:
    models = {"smollm2": {"hf": str(float_base()), "hf_fetch": "python -m fixtures float"}}
    task = load_task(ROOT / "golden" / "market_direction", verify=False)
    cache = tmp_path_factory.mktemp("cache")
    return Opening(Spec("hf", "smollm2"), task, ROOT, models=models, cache=cache)


@pytest.fixture(scope="module")
def shared() -> dict[str, Any]:
    """One copy of the weights for all tests that don't mind."""
    return {}


def opened(
    opening: Opening, adapter: str = "", *, model: str = "smollm2", shared: dict[str, Any], **options: object
) -> Backend:
    return open_backend(replace(opening, spec=Spec("hf", model, adapter), options=options, shared=shared))


def asked(text: str, *, prefill: str = "", **decoding: Any) -> Request:
    messages = (Message("system", "Judge the headline. Answer with JSON."), Message("user", text))
    return Request("market_direction", text, messages, prefill, Decoding(**{"max_tokens": 10, **decoding}))


def completions(backend: Backend, requests: list[Request]) -> dict[str, Completion]:
    found = {request.example_id: result for request, result in backend.answer(requests)}
    assert all(isinstance(result, Completion) for result in found.values()), found
    return found  # type: ignore[return-value]


@pytest.mark.real
def test_a_batch_answers_as_one_by_one_does(opening: Opening, shared: dict[str, Any]) -> None:
    requests = [asked(text) for text in TEXTS]
    batched = completions(opened(opening, shared=shared, batch=4), requests)
    alone = completions(opened(opening, shared=shared, batch=1), requests)
    assert batched == alone
    assert {completion.completion_tokens for completion in alone.values()} <= set(range(1, 11))


@pytest.mark.real
@pytest.mark.parametrize("name", ["market_direction", "news_metadata", "request_router", "ticket_priority"])
def test_every_finished_answer_of_the_constrained_base_fits_what_it_was_held_to(
    opening: Opening, shared: dict[str, Any], name: str
) -> None:
    task = load_task(ROOT / "golden" / name, verify=False)
    backend = opened(replace(opening, task=task), shared=shared, batch=2)
    held = backend.held(task.schema)  # type: ignore[attr-defined]
    asks = Asking(constrained=True, prefill="")
    requests = [replace(render(task, example, asks), schema=held.sent) for example in task.splits["dev"][:2]]
    answers = completions(backend, requests).values()
    finished = [answer for answer in answers if answer.finish_reason != "length"]
    assert finished
    for answer in finished:
        assert breach(answer, held.obeyed) is None
        assert answer.text.startswith('{"')
        assert answer.text.endswith("}")


@pytest.mark.real
def test_free_rows_of_a_batch_answer_as_they_do_without_constrained_ones_beside_them(
    opening: Opening, shared: dict[str, Any]
) -> None:
    free = [asked(text) for text in TEXTS]
    mood = {"type": "object", "properties": {"mood": {"enum": ["calm", "tense"]}}, "required": ["mood"]}
    held = replace(free[0], example_id="held", schema={**mood, "additionalProperties": False})
    backend = opened(opening, shared=shared, batch=5)
    alone, mixed = completions(backend, free), completions(backend, [*free, held])
    assert mixed["held"].text in ('{"mood": "calm"}', '{"mood": "tense"}')
    assert mixed["held"].finish_reason == "stop"
    assert {name: mixed[name].text for name in alone} == {name: answer.text for name, answer in alone.items()}


@pytest.mark.real
def test_weights_loaded_in_4_bits_are_other_weights_with_a_fingerprint_of_their_own(
    opening: Opening, shared: dict[str, Any]
) -> None:
    floats, quantized = opened(opening, shared=shared), opened(opening, shared=shared, load="4bit")
    assert quantized.fingerprint["load"].startswith("nf4 (bitsandbytes ")
    assert quantized.weights is not floats.weights  # type: ignore[attr-defined]
    request = asked(TEXTS[0], max_tokens=24)
    answers = [completions(backend, [request])[TEXTS[0]] for backend in (floats, quantized)]
    assert answers[0].rendered == answers[1].rendered
    assert answers[0].text != answers[1].text
    quantized.close()


@pytest.mark.real
def test_an_answer_is_transformers_own_greedy_answer(opening: Opening, shared: dict[str, Any]) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    ours = completions(opened(opening, shared=shared), [asked(TEXTS[0])])[TEXTS[0]]
    tokenizer = AutoTokenizer.from_pretrained(float_base())
    model = AutoModelForCausalLM.from_pretrained(float_base(), dtype="float32")
    tokens = tokenizer(ours.rendered, add_special_tokens=False, return_tensors="pt")
    theirs = model.generate(**tokens, do_sample=False, max_new_tokens=10)[0, tokens.input_ids.shape[1] :]
    assert ours.text == tokenizer.decode(theirs).removesuffix("<|im_end|>")
    assert ours.prompt_tokens == tokens.input_ids.shape[1]


@pytest.mark.real
def test_base_and_adapter_take_turns_on_one_copy_of_the_weights(opening: Opening) -> None:
    task_requests = [render(opening.task, example) for example in opening.task.splits["dev"][:2]]
    requests = [replace(request, decoding=Decoding(max_tokens=12)) for request in task_requests]
    together: dict[str, Any] = {}
    base, tuned = (opened(opening, adapter, shared=together, batch=1) for adapter in ("", ADAPTER))
    assert len(together) == 1
    found: dict[str, list[str]] = {"base": [], "tuned": []}
    for base_one, tuned_one in zip(base.answer(requests), tuned.answer(requests), strict=True):
        found["base"].append(base_one[1].text)
        found["tuned"].append(tuned_one[1].text)
    alone = [completion.text for completion in completions(opened(opening, shared={}, batch=1), requests).values()]
    assert sorted(found["base"]) == sorted(alone)
    assert all(text.startswith('{"relevance": ') for text in found["tuned"])
    assert not set(found["base"]) & set(found["tuned"])


@pytest.mark.real
def test_a_merged_folder_answers_as_its_adapter(opening: Opening, shared: dict[str, Any], tmp_path: Path) -> None:
    requests = [render(opening.task, example) for example in opening.task.splits["dev"][:3]]
    folder = merge(ROOT / ADAPTER, tmp_path / "merged")
    merged = completions(opened(opening, model=str(folder), shared={}), requests)
    tuned = completions(opened(opening, ADAPTER, shared=shared), requests)
    assert {name: one.text for name, one in merged.items()} == {name: one.text for name, one in tuned.items()}


@pytest.mark.real
def test_a_dora_answers_as_its_merge_and_not_as_the_base(
    opening: Opening, shared: dict[str, Any], tmp_path: Path
) -> None:
    dora = adapter(
        float_base(), tmp_path / "dora", target_modules=["q_proj", "down_proj"], use_dora=True, lora_alpha=200
    )
    backends = (
        opened(opening, str(dora), shared=shared),
        opened(opening, model=str(merge(dora, tmp_path / "merged")), shared={}),
        opened(opening, shared=shared),
    )
    tuned, merged, base = (completions(backend, [asked(TEXTS[0])])[TEXTS[0]].text for backend in backends)
    assert tuned == merged != base


@pytest.mark.real
def test_an_answer_ends_when_its_object_has_closed(opening: Opening, shared: dict[str, Any]) -> None:
    request = render(opening.task, opening.task.splits["dev"][0])
    now = replace(request, decoding=Decoding(max_tokens=96, tail=0))
    answer = completions(opened(opening, ADAPTER, shared=shared), [now])[now.example_id]
    assert answer.finish_reason == "object_closed"
    assert answer.text.endswith("}")
    later = replace(request, decoding=Decoding(max_tokens=96, tail=8))
    ended = completions(opened(opening, ADAPTER, shared=shared), [later])[later.example_id]
    assert ended.finish_reason == "stop"  # it was taught to end there
    assert ended.text == answer.text


@pytest.mark.real
def test_the_token_limit_is_said(opening: Opening, shared: dict[str, Any]) -> None:
    answer = completions(opened(opening, shared=shared), [asked(TEXTS[2], max_tokens=2)])[TEXTS[2]]
    assert (answer.finish_reason, answer.completion_tokens) == ("length", 2)


@pytest.mark.real
def test_a_prefill_stands_in_the_prompt_and_not_in_the_answer(opening: Opening, shared: dict[str, Any]) -> None:
    answer = completions(opened(opening, shared=shared), [asked(TEXTS[0], prefill='{"mood": ')])[TEXTS[0]]
    assert answer.rendered is not None
    assert answer.rendered.endswith('<|im_start|>assistant\n{"mood": ')
    assert not answer.text.startswith("{")


@pytest.mark.real
def test_a_draw_depends_on_its_request_alone(opening: Opening, shared: dict[str, Any]) -> None:
    def draw(texts: list[str], **decoding: Any) -> str:
        requests = [asked(text, temperature=1.5, max_tokens=8, **decoding) for text in texts]
        return completions(opened(opening, shared=shared), requests)[TEXTS[1]].text

    first = draw(TEXTS[1:2])
    assert draw(TEXTS) == first
    assert draw(TEXTS[1:2], seed=1) != first


@pytest.mark.real
def test_a_repeat_penalty_is_that_of_transformers_itself(opening: Opening, shared: dict[str, Any]) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    backend = opened(opening, shared=shared)
    plain, penalized = (completions(backend, [asked("Hi", repeat_penalty=penalty)])["Hi"] for penalty in (1.0, 1.3))
    assert penalized.text != plain.text
    # Prompt and answer are shorter than the stretch that is looked back on, so that both look at all of it.
    tokenizer = AutoTokenizer.from_pretrained(float_base())
    prompt = tokenizer(penalized.rendered, add_special_tokens=False, return_tensors="pt")
    model = AutoModelForCausalLM.from_pretrained(float_base())
    theirs = model.generate(**prompt, max_new_tokens=10, do_sample=False, repetition_penalty=1.3)
    assert penalized.text == tokenizer.decode(theirs[0, prompt.input_ids.shape[1] :])


@pytest.mark.real
def test_the_models_own_generation_settings_are_not_used(opening: Opening, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    for file in float_base().iterdir():
        (folder / file.name).symlink_to(file)
    (folder / "generation_config.json").unlink()
    odd = {"repetition_penalty": 5.0, "do_sample": True, "temperature": 3.0, "eos_token_id": 2}
    (folder / "generation_config.json").write_text(json.dumps(odd))
    request = asked("Say: a a a a a a a a")
    ours = completions(opened(opening, model=str(folder), shared={}), [request])
    assert ours == completions(opened(opening, shared={}), [request])


@pytest.mark.real
def test_when_memory_runs_out_the_batch_is_halved_and_nothing_is_lost(
    opening: Opening, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes = []
    step = HfWeights.step

    def tight(self: Any, adapter: Any, batch: Any, state: Any) -> Any:
        sizes.append(len(batch))
        if len(batch) > 1:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 99 bytes")
        return step(self, adapter, batch, state)

    monkeypatch.setattr(HfWeights, "step", tight)
    found = completions(opened(opening, shared={}, batch=4), [asked(text, max_tokens=1) for text in TEXTS])
    assert set(found) == set(TEXTS)
    assert sizes == [4, 2, 1, 1, 1, 1]


@pytest.mark.real
def test_a_prompt_that_does_not_fit_is_not_answered_and_the_others_are(
    opening: Opening, shared: dict[str, Any]
) -> None:
    requests = [asked("word " * 8200), asked(TEXTS[3], max_tokens=1)]
    found = {request.example_id: result for request, result in opened(opening, shared=shared).answer(requests)}
    assert isinstance(found[TEXTS[3]], Completion)
    refused = found[requests[0].example_id]
    assert isinstance(refused, NotAnswered)
    assert "don't fit into the model's 8192" in str(refused)


@pytest.mark.real
def test_the_fingerprint_tells_models_and_arithmetic_apart(opening: Opening) -> None:
    ways = [
        opened(opening, shared={}),
        opened(opening, ADAPTER, shared={}),
        opened(opening, shared={}, dtype="bfloat16"),
        opened(opening, shared={}, batch=1),
    ]
    assert len({fingerprint_of(way) for way in ways}) == 4
    assert fingerprint_of(opened(opening, shared={})) == fingerprint_of(ways[0])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"dtype": "float16"}, "float16 on a CPU"),
        ({"dtype": "int4"}, "dtype is 'int4', expected one of float32, bfloat16"),
        ({"load": "8bit"}, "load is '8bit', expected '4bit' or nothing"),
        ({"batch": 0}, "batch is 0, expected 1 or more"),
        ({"batch": "4"}, "batch is '4', expected a whole number"),
        ({"bach": 4}, "unknown option 'bach'"),
    ],
)
def test_an_option_that_cannot_be_is_named(opening: Opening, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        opened(opening, shared={}, **options)


def test_a_missing_model_says_how_to_get_it(opening: Opening, tmp_path: Path) -> None:
    away = replace(opening, models={"smollm2": {"hf": str(tmp_path / "none"), "hf_fetch": "make floats"}})
    with pytest.raises(MissingModel, match=r"no folder .*none with a config\.json\. To get it: make floats"):
        opened(away, shared={})
    with pytest.raises(MissingModel, match=r"nothing is downloaded here; run `hf download someone/something` first"):
        opened(opening, model="someone/something", shared={})


def test_a_missing_adapter_is_named(opening: Opening) -> None:
    with pytest.raises(MissingModel, match=r"the adapter .*nowhere has no adapter_config\.json"):
        opened(opening, "nowhere", shared={})


def test_weights_that_could_run_code_are_refused(opening: Opening, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "pytorch_model.bin").touch()
    with pytest.raises(MissingModel, match=r"has no \*\.safetensors; other kinds of weights can run code"):
        opened(opening, model=str(tmp_path), shared={})


def test_code_that_a_model_brings_is_run_only_when_asked_for(opening: Opening, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"auto_map": {"AutoModelForCausalLM": "own.Model"}}))
    (tmp_path / "model.safetensors").touch()
    with pytest.raises(ConfigError, match=r"brings code of its own \(AutoModelForCausalLM\).*trust_remote_code = true"):
        opened(opening, model=str(tmp_path), shared={})
    opened(opening, model=str(tmp_path), shared={}, trust_remote_code=True)


@pytest.mark.real
def test_a_broken_model_dies_and_says_where(opening: Opening, tmp_path: Path) -> None:
    for name in ("config.json", "tokenizer.json", "tokenizer_config.json", "chat_template.jinja"):
        (tmp_path / name).write_bytes((float_base() / name).read_bytes())
    (tmp_path / "model.safetensors").write_bytes(b"torn")
    with pytest.raises(BackendDied, match="transformers could not load"):
        list(opened(opening, model=str(tmp_path), shared={}).answer([asked(TEXTS[0])]))


@pytest.mark.real
def test_an_adapter_of_another_model_dies_and_names_both(opening: Opening, tmp_path: Path) -> None:
    import torch
    from safetensors.torch import save_file

    config = {"peft_type": "LORA", "r": 2, "lora_alpha": 4, "target_modules": ["q_proj"], "task_type": "CAUSAL_LM"}
    (tmp_path / "adapter_config.json").write_text(json.dumps(config))
    module = "base_model.model.model.layers.0.self_attn.q_proj"
    tensors = {f"{module}.lora_A.weight": torch.zeros(2, 64), f"{module}.lora_B.weight": torch.zeros(64, 2)}
    save_file(tensors, tmp_path / "adapter_model.safetensors")
    with pytest.raises(BackendDied, match=r"the adapter .* does not fit .*float"):
        list(opened(opening, str(tmp_path), shared={}).answer([asked(TEXTS[0])]))


TEMPLATE = "{% for m in messages %}### {{ m['role'] }}:\n{{ m['content'] }}\n{% endfor %}### answer:"


def adapter_with(place: Path, **files: str) -> str:
    """A copy of the committed adapter with more files in its folder."""
    shutil.copytree(ROOT / ADAPTER, place)
    for name, text in files.items():
        (place / name.replace("_jinja", ".jinja").replace("_json", ".json")).write_text(text)
    return str(place)


@pytest.mark.real
def test_each_adapter_is_asked_with_its_own_template_and_the_base_with_its_own(
    opening: Opening, shared: dict[str, Any], tmp_path: Path
) -> None:
    own = adapter_with(tmp_path / "own", chat_template_jinja=TEMPLATE)
    base, plain, tuned = (opened(opening, adapter, shared=shared) for adapter in ("", ADAPTER, own))
    prompts = [completions(backend, [asked("Rain")])["Rain"].rendered for backend in (base, tuned, plain, base)]
    assert prompts[1] == "### system:\nJudge the headline. Answer with JSON.\n### user:\nRain\n### answer:"
    assert prompts[0] == prompts[2] == prompts[3]
    assert str(prompts[0]).startswith("<|im_start|>system\n")


def test_a_template_in_an_adapters_folder_is_in_its_fingerprint_where_it_is_not_the_bases(
    opening: Opening, tmp_path: Path
) -> None:
    same = {
        name: (float_base() / name.replace("_j", ".j")).read_text()
        for name in ("chat_template_jinja", "tokenizer_json")
    }
    adapters = (
        ADAPTER,
        adapter_with(tmp_path / "same", **same),
        adapter_with(tmp_path / "own", chat_template_jinja="x"),
    )
    plain, unchanged, own = (opened(opening, adapter, shared={}).fingerprint for adapter in adapters)
    assert unchanged == plain
    assert list(own["adapter_own"]) == ["chat template"]


@pytest.mark.real
def test_a_tokenizer_of_its_own_makes_the_tokens_of_an_adapters_prompt(
    opening: Opening, shared: dict[str, Any], tmp_path: Path
) -> None:
    table = json.loads((float_base() / "tokenizer.json").read_text()) | {"normalizer": {"type": "Lowercase"}}
    config = (float_base() / "tokenizer_config.json").read_text()
    lower = adapter_with(tmp_path / "lower", tokenizer_json=json.dumps(table), tokenizer_config_json=config)
    digests = [
        completions(opened(opening, adapter, shared=shared), [asked(text)])[text].prompt_digest
        for adapter in (lower, ADAPTER)
        for text in ("RAIN", "rain")
    ]
    assert digests[0] == digests[1]
    assert digests[2] != digests[3]


@pytest.mark.real
@pytest.mark.parametrize(
    ("change", "told"),
    [
        (
            lambda name: name.replace("model.model.", "model.model.wrapped."),
            r"does not fit .*: none of its \d+ tensors is",
        ),
        (lambda name: name.replace(".15.", ".99."), r"does not fit .*: \d+ of its \d+ tensors are not .*layers\.99\."),
        (
            lambda name: "" if ".15." in name else name,
            r"is not whole: its configuration names \d+ tensors that its file",
        ),
    ],
)
def test_an_adapter_whose_tensors_would_be_left_out_stops_the_model(
    opening: Opening, tmp_path: Path, change: Callable[[str], str], told: str
) -> None:
    from safetensors.torch import load_file, save_file

    place = Path(adapter_with(tmp_path / "strange"))
    renamed = {change(name): value for name, value in load_file(place / "adapter_model.safetensors").items()}
    save_file({name: value for name, value in renamed.items() if name}, place / "adapter_model.safetensors")
    with pytest.raises(BackendDied, match=told):
        list(opened(opening, str(place), shared={}).answer([asked(TEXTS[0])]))


def test_an_adapter_that_writes_on_the_weights_has_a_copy_of_its_own(opening: Opening, tmp_path: Path) -> None:
    config = json.loads((ROOT / ADAPTER / "adapter_config.json").read_text()) | {"init_lora_weights": "pissa"}
    shared: dict[str, Any] = {}
    pissa = adapter_with(tmp_path / "pissa", adapter_config_json=json.dumps(config))
    backends = [opened(opening, adapter, shared=shared) for adapter in (pissa, ADAPTER, "")]
    copies = [backend.weights for backend in backends]  # type: ignore[attr-defined]
    assert copies[0] is not copies[1]
    assert copies[1] is copies[2]


@pytest.mark.real
@pytest.mark.parametrize(
    ("config", "name", "in_place"),
    [
        ({"target_modules": ["q_proj"]}, "model.embed_tokens.weight", True),
        ({"target_modules": ["q_proj", "embed_tokens"]}, "model.embed_tokens.base_layer.weight", True),
        ({"target_modules": ["q_proj"], "bias": "all"}, "", True),
        ({"target_modules": ["q_proj"], "modules_to_save": ["lm_head"]}, "", False),
        ({"target_modules": ["q_proj"], "modules_to_save": ["embed_tokens"]}, "", False),
        ({"target_modules": ["q_proj"], "trainable_token_indices": [1, 2]}, "", False),
    ],
)
def test_whoever_shares_the_weights_answers_the_same_before_and_after_an_adapter_with_copies_of_them(
    opening: Opening, tmp_path: Path, config: dict[str, Any], name: str, in_place: bool
) -> None:
    made = tuned(tmp_path, **config)
    if name:
        copied = load_file(made.base / "model.safetensors")["model.embed_tokens.weight"]
        made.saved({**made.tensors(), f"base_model.model.{name}": copied + 0.1 * torch.randn_like(copied)})
    plain = adapter(made.base, tmp_path / "plain", seed=3, target_modules=["v_proj"])
    for file in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(float_base() / file, made.base)
    shared: dict[str, Any] = {}
    base, other, copies = (
        opened(opening, str(path), model=str(made.base), shared=shared) for path in ("", plain, made.adapter)
    )

    def scores(backend: Any) -> torch.Tensor:
        backend.weights._read()
        backend.weights._use(backend.adapter)
        return logits(backend.weights._model)

    before = [scores(base), scores(other)]
    assert torch.equal(scores(copies), made.logits())
    assert all(map(torch.equal, [scores(base), scores(other)], before))
    assert len(shared) == 1 + in_place


@pytest.mark.real
@pytest.mark.skipif(os.name == "nt", reason="sends a POSIX signal")
def test_ctrl_c_is_heard_between_two_tokens(tmp_path: Path) -> None:
    code = f"""
        import signal, sys
        signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background inherits deafness
        sys.path.insert(0, {str(ROOT)!r})
        from pathlib import Path
        from evalkit.models.backend import Opening, Spec
        from evalkit.models.backends.hf import open_backend
        from evalkit.models.request import Message, Request
        from evalkit.golden.model import Decoding
        backend = open_backend(Opening(Spec("hf", {str(float_base())!r}), None, Path(), cache=Path({str(tmp_path)!r})))
        ask = lambda n: Request("t", str(n), (Message("user", "Count to a million."),), "", Decoding(n, tail=None))
        list(backend.answer([ask(1)]))
        print("ready", flush=True)
        list(backend.answer([ask(4000)]))
    """
    command = [sys.executable, "-c", textwrap.dedent(code)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=120)
    assert errors.rstrip().endswith("KeyboardInterrupt")


@pytest.mark.real
def test_a_template_that_cuts_one_text_leaves_that_example_unanswered_and_one_that_cuts_all_stops_the_model(
    opening: Opening, shared: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    backend = opened(opening, shared=shared)
    backend.weights.load()  # type: ignore[attr-defined]
    cut = "{% for m in messages %}{{ m.role }}: {{ m.content[:40] }}\n{% endfor %}"
    monkeypatch.setattr(backend.weights._tokenizer, "chat_template", cut)  # type: ignore[attr-defined]
    requests = [replace(asked(text, max_tokens=1), inserted=(("headline", text),)) for text in TEXTS[1:4]]
    found = {request.example_id: result for request, result in backend.answer(requests)}
    assert [isinstance(found[text], Completion) for text in TEXTS[1:4]] == [True, False, True]
    with pytest.raises(NotAnswered, match="leaves out or cuts the field 'headline' of the input"):
        raise found[TEXTS[2]]  # type: ignore[misc]
    long = [replace(asked(f"{TEXTS[2]} {n}"), sample=n) for n in range(2)]
    with pytest.raises(BackendDied, match=r"none of 2 prompts can be asked\. .*a part of the user's text"):
        list(backend.answer(long))


@pytest.mark.real
def test_a_template_that_refuses_the_system_role_is_answered_once_it_is_joined(
    opening: Opening, shared: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    backend = opened(opening, shared=shared)
    backend.weights.load()  # type: ignore[attr-defined]
    refuses = "{% for m in messages %}{% if m.role == 'system' %}{{ raise_exception('No system role') }}{% endif %}"
    template = f"{refuses}{{{{ m.content }}}}{{% endfor %}}"
    monkeypatch.setattr(backend.weights._tokenizer, "chat_template", template)  # type: ignore[attr-defined]
    example = opening.task.splits["dev"][0]
    request = replace(render(opening.task, example), decoding=Decoding(1))
    [(_, refused)] = backend.answer([request])
    assert 'No system role; set system = "into_user" for this alias' in str(refused)
    joined = replace(render(opening.task, example, Asking(system="into_user")), decoding=Decoding(1))
    [answer] = completions(backend, [joined]).values()
    assert answer.rendered == f"{request.messages[0].content}\n\n{request.messages[1].content}"


@pytest.mark.real
def test_a_tokenizer_that_truncates_is_seen(
    opening: Opening, shared: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    backend = opened(opening, shared=shared)
    backend.weights.load()  # type: ignore[attr-defined]
    tokenizer = backend.weights._tokenizer  # type: ignore[attr-defined]
    encode = tokenizer.encode
    for side in (slice(None, 20), slice(-20, None)):
        monkeypatch.setattr(tokenizer, "encode", lambda *args, side=side, **how: encode(*args, **how)[side])
        [(_, refused)] = backend.answer([asked("Øre falls 🎉, and “tin” with it", max_tokens=1)])
        assert "cuts the prompt: an end is missing in the 20 tokens" in str(refused)
    monkeypatch.setattr(tokenizer, "encode", encode)
    completions(backend, [asked("Øre falls 🎉, and “tin” with it", max_tokens=1)])
