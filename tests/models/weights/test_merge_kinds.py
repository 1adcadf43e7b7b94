"""Each kind of LoRA that PEFT saves, merged by PEFT: whole where the merged model answers as the adapter does."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from tiny_peft import PLAIN, Tuned, adapter, edit, load, logits, tuned, write
from transformers.utils import logging

from evalkit.models.weights.merge_check import MergeReport

HEAD: dict[str, Any] = {"target_modules": ["q_proj", "lm_head"]}
EMBEDDING: dict[str, Any] = {"target_modules": ["q_proj", "embed_tokens"]}
EMBED = "model.embed_tokens.weight"
BOTH: dict[str, Any] = {"target_modules": ["q_proj", "embed_tokens", "lm_head"]}
GPT2 = {"gpt2": True, "target_modules": ["c_attn", "c_proj"]}
TOKENS = {**PLAIN, "trainable_token_indices": [1, 5, 9]}
TOKENS_OF_BOTH = {**PLAIN, "trainable_token_indices": {"embed_tokens": [1, 5], "lm_head": [2]}}

KINDS: dict[str, dict[str, Any]] = {
    "head": HEAD,
    "embeddings": EMBEDDING,
    "both": BOTH,
    "dora": {**PLAIN, "use_dora": True},
    "dora of the head": {**HEAD, "use_dora": True},
    "dora of the embeddings": {**EMBEDDING, "use_dora": True},
    "rslora": {**BOTH, "use_rslora": True, "rank_pattern": {"q_proj": 8}, "alpha_pattern": {"lm_head": 5}},
    "rslora with dora": {**BOTH, "use_rslora": True, "use_dora": True},
    "saved head": {**PLAIN, "modules_to_save": ["lm_head"]},
    "saved embeddings": {**PLAIN, "modules_to_save": ["embed_tokens"]},
    "saved norms": {**PLAIN, "modules_to_save": ["norm", "input_layernorm"]},
    "every bias": {**PLAIN, "bias": "all"},
    "biases of lora": {**PLAIN, "bias": "lora_only"},
    "bias in lora": {"target_modules": ["q_proj", "v_proj"], "lora_bias": True, "use_rslora": True},
    "tokens": TOKENS,
    "parameters": {"target_modules": ["q_proj"], "target_parameters": ["mlp.up_proj.weight"]},
    "gpt2": GPT2,
    "gpt2 with dora": {**GPT2, "use_dora": True},
    "gpt2's head and embeddings": {"gpt2": True, "target_modules": ["c_proj", "wte", "lm_head"], "use_dora": True},
}
"""Each keeps what it learned in a merge, where the base is not tied."""


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    logging.disable_progress_bar()
    yield
    logging.enable_progress_bar()


def outcomes(report: MergeReport) -> list[str]:
    return [finding.outcome for finding in report.findings]


def states(report: MergeReport) -> dict[str, str]:
    """The states of the layers by the last word of their names."""
    return {layer.name.rpartition(".")[2]: layer.state for layer in report.layers}


def answers_alike(model: Tuned, merged: Path) -> bool:
    return bool(torch.allclose(logits(load(merged)), model.logits(), atol=2e-5))


@pytest.mark.parametrize("config", KINDS.values(), ids=list(KINDS))
def test_what_peft_merges_in_floats_is_whole_and_answers_as_the_adapter(tmp_path: Path, config: dict[str, Any]) -> None:
    model = tuned(tmp_path, **config)
    merged = model.merge()
    report = model.check(merged)
    assert (outcomes(report), answers_alike(model, merged)) == (["whole"], True)
    assert report.survived == pytest.approx(1, abs=1e-3)
    assert {layer.state for layer in report.layers} == {"merged"}
    assert not report.not_judged


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16], ids=["bfloat16", "float16"])
@pytest.mark.parametrize(
    "kind", ["both", "dora", "rslora with dora", "saved embeddings", "bias in lora", "tokens", "gpt2 with dora"]
)
def test_what_peft_merges_in_half_precision_is_whole(tmp_path: Path, kind: str, dtype: torch.dtype) -> None:
    model = tuned(tmp_path, dtype=dtype, **KINDS[kind])
    report = model.check(model.merge(dtype=dtype))
    assert (outcomes(report), report.survived) == (["whole"], pytest.approx(1, abs=0.01))


@pytest.mark.parametrize(
    ("config", "head", "embedding"),
    [
        (HEAD, "lm_head holds its update", "embed_tokens holds the update of lm_head"),
        ({**HEAD, "use_dora": True}, "lm_head holds its update", "embed_tokens holds the update of lm_head"),
        (EMBEDDING, "lm_head holds the update of embed_tokens", "embed_tokens holds its update"),
        ({**EMBEDDING, "use_dora": True}, "lm_head holds the update of embed_tokens", "embed_tokens holds its update"),
        (BOTH, "lm_head holds both updates", "embed_tokens holds both updates"),
        ({**BOTH, "use_dora": True}, "lm_head holds both updates", "embed_tokens holds both updates"),
        (TOKENS_OF_BOTH, "lm_head holds both updates", "embed_tokens holds both updates"),
    ],
)
def test_a_tied_base_that_peft_merges_into_is_torn_and_answers_otherwise(
    tmp_path: Path, config: dict[str, Any], head: str, embedding: str
) -> None:
    model = tuned(tmp_path, tied=True, **config)
    merged = model.merge()
    report = model.check(merged)
    assert (outcomes(report), answers_alike(model, merged)) == (["tied_embedding"], False)
    assert head in report.sentence()
    assert embedding in report.sentence()


@pytest.mark.parametrize(
    "config",
    [
        {**PLAIN, "use_dora": True},
        {**PLAIN, "modules_to_save": ["lm_head"]},
        {**PLAIN, "modules_to_save": ["embed_tokens"]},
        {**PLAIN, "modules_to_save": ["embed_tokens"], "ensure_weight_tying": True},
        TOKENS,
    ],
)
def test_what_keeps_a_tied_base_whole_is_whole(tmp_path: Path, config: dict[str, Any]) -> None:
    model = tuned(tmp_path, tied=True, **config)
    merged = model.merge()
    assert (outcomes(model.check(merged)), answers_alike(model, merged)) == (["whole"], True)


def test_an_update_that_both_tied_layers_share_and_peft_merges_twice_is_told(tmp_path: Path) -> None:
    model = tuned(tmp_path, tied=True, **BOTH, ensure_weight_tying=True)
    merged = model.merge()
    report = model.check(merged)
    assert (outcomes(report), answers_alike(model, merged)) == (["merged_twice"], False)
    assert report.findings[0].layers == ("model.embed_tokens", "lm_head")


def untied(model: Tuned, merged: Path) -> dict[str, torch.Tensor]:
    """The tensors of a merge of the head, which then has a tensor of its own, and the embeddings are the base's."""
    base, tensors = edit(model.base), edit(merged, tie_word_embeddings=False)
    return {**tensors, EMBED: base[EMBED], "lm_head.weight": tensors[EMBED]}


def test_a_head_that_was_untied_for_its_update_is_whole_and_loses_it_when_it_is_tied_again(tmp_path: Path) -> None:
    model = tuned(tmp_path, tied=True, **HEAD)
    merged = model.merge()
    tensors = untied(model, merged)
    write(merged, tensors)
    assert (outcomes(model.check(merged)), answers_alike(model, merged)) == (["whole"], True)
    edit(merged, tie_word_embeddings=True)
    del tensors["lm_head.weight"]
    report = model.check(write(merged, tensors))
    assert (outcomes(report), states(report)["lm_head"]) == (["tied_embedding"], "lost")
    assert "lm_head has lost its update" in report.sentence()


def test_an_untied_head_that_the_merged_model_ties_is_lost(tmp_path: Path) -> None:
    model = tuned(tmp_path, **HEAD)
    merged = model.merge()
    tensors = edit(merged, tie_word_embeddings=True)
    del tensors["lm_head.weight"]
    report = model.check(write(merged, tensors))
    assert (outcomes(report), report.findings[0].layers) == (["tied_embedding"], ("lm_head",))


WRONG: dict[str, dict[str, Any]] = {
    "embeddings": EMBEDDING,
    "head": HEAD,
    "dora": {**PLAIN, "use_dora": True},
    "dora of both": {**BOTH, "use_dora": True},
    "rslora": {**BOTH, "use_rslora": True, "r": 8},
    "saved": {**PLAIN, "modules_to_save": ["lm_head", "norm"]},
    "bias in lora": {"target_modules": ["q_proj", "v_proj"], "lora_bias": True},
    "gpt2 with dora": {**GPT2, "use_dora": True},
}


@pytest.mark.parametrize("config", WRONG.values(), ids=list(WRONG))
def test_an_adapter_that_was_forgotten_is_not_merged(tmp_path: Path, config: dict[str, Any]) -> None:
    model = tuned(tmp_path, **config)
    assert outcomes(model.check(model.base)) == ["not_merged"]


@pytest.mark.parametrize("config", WRONG.values(), ids=list(WRONG))
def test_an_adapter_that_was_merged_twice_is_told(tmp_path: Path, config: dict[str, Any]) -> None:
    model = tuned(tmp_path, **config)
    report = model.check(model.merge(base=model.merge(name="once")))
    assert outcomes(report) == ["merged_twice"]


@pytest.mark.parametrize("config", WRONG.values(), ids=list(WRONG))
def test_another_adapter_is_no_right_merge(tmp_path: Path, config: dict[str, Any]) -> None:
    model = tuned(tmp_path, **config)
    other = adapter(model.base, tmp_path / "other", seed=3, **{k: v for k, v in config.items() if k != "gpt2"})
    assert outcomes(model.check(model.merge(other))) == ["moved_otherwise"]


@pytest.mark.parametrize("kind", ["rslora", "dora", "dora of both", "gpt2 with dora"])
def test_another_scale_is_told_with_its_cause(tmp_path: Path, kind: str) -> None:
    model = tuned(tmp_path, **WRONG[kind])
    rooted = bool(WRONG[kind].get("use_rslora"))
    report = model.check(model.merge(model.states(use_rslora=not rooted)))
    assert outcomes(report) == ["wrong_scale"]
    cause = "alpha/r instead of alpha/sqrt(r)" if rooted else "alpha/sqrt(r) instead of alpha/r"
    assert cause in report.sentence()


@pytest.mark.parametrize("kind", ["dora", "dora of both", "gpt2 with dora"])
def test_a_dora_that_was_merged_as_a_plain_lora_is_told(tmp_path: Path, kind: str) -> None:
    model = tuned(tmp_path, **WRONG[kind])
    report = model.check(model.merge(model.states(use_dora=False)))
    assert (outcomes(report), set(states(report).values())) == (["magnitude_left_out"], {"plain"})


def test_a_module_that_was_saved_whole_and_left_out_is_named(tmp_path: Path) -> None:
    model = tuned(tmp_path, **PLAIN, modules_to_save=["lm_head", "norm"])
    merged = model.merge()
    report = model.check(write(merged, {**edit(merged), "lm_head.weight": edit(model.base)["lm_head.weight"]}))
    assert (outcomes(report), report.findings[0].layers) == (["layers_left_out"], ("lm_head",))


def test_copies_of_the_base_say_nothing(tmp_path: Path) -> None:
    model = tuned(tmp_path, **BOTH)
    with_copies = {layer.name: layer.by for layer in model.check(model.merge()).layers}
    model.saved({name: tensor for name, tensor in model.tensors().items() if ".base_layer." not in name})
    without = {layer.name: layer.by for layer in model.check(model.root / "merged").layers}
    assert with_copies == without == dict.fromkeys(with_copies, "lora")


def test_a_trained_copy_is_part_of_what_has_to_be_merged(tmp_path: Path) -> None:
    model = tuned(tmp_path, **HEAD)
    before = model.merge(name="before")
    copy = "base_model.model.lm_head.base_layer.weight"
    model.saved({name: 1.1 * tensor if name == copy else tensor for name, tensor in model.tensors().items()})
    assert outcomes(model.check(model.merge())) == ["whole"]
    report = model.check(before)
    assert (outcomes(report), report.findings[0].layers) == (["copy_left_out"], ("lm_head",))


def test_a_vocabulary_that_grew_is_held_against_the_adapters_rows(tmp_path: Path) -> None:
    model = tuned(tmp_path, **HEAD)
    before = model.merge(name="before")
    rows = torch.randn(2, 64) * 0.02
    grown = {
        "base_model.model.lm_head.base_layer.weight": lambda head: torch.cat([head, rows]),
        "base_model.model.lm_head.lora_B.weight": lambda b: torch.cat([b, rows[:, :4]]),
    }
    model.saved({name: grown.get(name, torch.clone)(tensor) for name, tensor in model.tensors().items()})
    tensors = edit(before)
    lora = model.tensors()
    a, b = (lora[f"base_model.model.lm_head.lora_{side}.weight"] for side in "AB")
    wider = {**tensors, "lm_head.weight": lora["base_model.model.lm_head.base_layer.weight"] + 3 * b @ a}
    report = model.check(before)
    assert (outcomes(report), "(130, 64)" in report.sentence()) == (["shapes"], True)
    assert outcomes(model.check(write(before, wider))) == ["whole"]


@pytest.mark.parametrize(
    ("name", "shape", "judged"),
    [
        ("lm_head.lora_C.weight", (4, 4), 2),
        ("model.layers.0.self_attn.q_proj.lora_router.weight", (4, 4), 1),
        ("score.head.lora_C", (3,), 2),
    ],
)
def test_a_tensor_that_can_not_be_judged_is_named_and_the_rest_is_judged(
    tmp_path: Path, name: str, shape: tuple[int, ...], judged: int
) -> None:
    model = tuned(tmp_path, target_modules=["q_proj"])
    model.saved({**model.tensors(), f"base_model.model.{name}": torch.ones(shape)})
    report = model.check(model.merge())
    assert (report.whole, report.verdict, outcomes(report)) == (False, "INCONCLUSIVE", ["not_judged"])
    assert [place.tensor for place in report.not_judged] == [report.findings[0].layers[0]]
    assert name in report.not_judged[0].why
    assert len(report.layers) == judged


def test_a_dora_whose_magnitude_the_adapter_lost_is_not_judged_where_it_is_lost(tmp_path: Path) -> None:
    model = tuned(tmp_path, **PLAIN, use_dora=True)
    merged = model.merge()
    lost = "base_model.model.model.layers.1.self_attn.v_proj.lora_magnitude_vector"
    model.saved({name: tensor for name, tensor in model.tensors().items() if name != lost})
    report = model.check(merged)
    assert (report.verdict, [place.tensor for place in report.not_judged]) == (
        "INCONCLUSIVE",
        ["model.layers.1.self_attn.v_proj.weight"],
    )
    assert len(report.layers) == 5


def test_what_is_wrong_is_told_beside_what_was_not_judged(tmp_path: Path) -> None:
    model = tuned(tmp_path, target_modules=["q_proj", "v_proj"])
    model.saved({**model.tensors(), "base_model.model.lm_head.lora_C": torch.ones(3)})
    report = model.check(model.base)
    assert (report.verdict, outcomes(report)) == ("NOT WHOLE", ["not_merged", "not_judged"])


def test_a_key_that_is_not_known_leaves_the_loras_unjudged_and_the_rest_judged(tmp_path: Path) -> None:
    model = tuned(tmp_path, **PLAIN, modules_to_save=["lm_head"])
    merged = model.merge()
    config = model.adapter / "adapter_config.json"
    config.write_text(config.read_text().replace('"use_qalora": false', '"use_qalora": true'))
    report = model.check(merged)
    assert (report.verdict, [layer.name for layer in report.layers]) == ("INCONCLUSIVE", ["lm_head"])
    assert len(report.not_judged) == 6
    assert "use_qalora is True" in report.not_judged[0].why


def test_memory_does_not_grow_with_a_dora_of_the_embeddings(tmp_path: Path) -> None:
    model = tuned(tmp_path, **EMBEDDING, use_dora=True, wide=60_000)
    merged = model.merge()
    tracemalloc.start()
    report = model.check(merged)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert report.whole
    assert peak < 60_000 * 64 * 4  # one of the four such tensors in the files, in bytes
