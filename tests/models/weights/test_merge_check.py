"""Is the adapter in the merged weights? Real folders of a small llama, merged rightly and in each wrong way."""

from __future__ import annotations

import json
import tracemalloc
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny_weights import EMBEDDING, HEAD, HIDDEN, RANK, Place, bf16, folder, nf4, save, weights, write_gguf

from evalkit.errors import ConfigError, MissingModel
from evalkit.models.weights.merge_check import MergeReport, check_merge
from evalkit.models.weights.tensors import open_safetensors
from evalkit.reports.merge import render


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def outcomes(report: MergeReport) -> list[str]:
    return [finding.outcome for finding in report.findings]


def linear(name: str) -> bool:
    return "_proj" in name


@pytest.mark.parametrize("kind", ["F32", "F16", "BF16"])
def test_a_right_merge_is_whole_in_every_float_type(place: Place, kind: str) -> None:
    report = place.check(place.plus(), kind)
    assert (report.whole, outcomes(report)) == (True, ["whole"])
    assert report.survived == pytest.approx(1, abs=0.01)
    assert {layer.state for layer in report.layers} == {"merged"}
    assert (len(report.layers), len(report.others)) == (12, 11)


def test_a_merge_in_bfloat16_that_was_saved_as_float32_is_whole(place: Place) -> None:
    merged = {name: bf16(values) for name, values in place.plus().items()}
    report = place.check(merged)
    assert (report.whole, {layer.kind for layer in report.layers}) == (True, {"BF16"})


def test_a_merge_of_weights_that_were_rounded_first_is_whole(place: Place) -> None:
    updates = {name: 3 * product for name, product in place.products.items()}
    merged = {name: bf16(bf16(values) + bf16(updates.get(name, 0 * values))) for name, values in place.before.items()}
    assert place.check(merged, "BF16").whole


def test_an_update_that_was_multiplied_out_in_bfloat16_is_whole(place: Place) -> None:
    merged = {n: x + bf16(3 * place.products[n]) if n in place.products else x for n, x in place.before.items()}
    assert place.check(merged).whole


def test_the_residual_is_what_rounding_explains(place: Place) -> None:
    for layer in place.check(place.plus(), "BF16").layers:
        assert layer.residual == pytest.approx(layer.explained, rel=1e-3)
        assert 0.01 < layer.residual < 0.3


def test_the_base_itself_is_not_merged(place: Place) -> None:
    report = place.check(place.before)
    assert outcomes(report) == ["not_merged"]
    assert report.survived == 0
    assert len(report.findings[0].layers) == 12


def test_the_base_in_another_type_is_not_merged(place: Place) -> None:
    assert outcomes(place.check(place.before, "BF16")) == ["not_merged"]


def test_layers_that_were_left_out_are_named(place: Place) -> None:
    report = place.check(place.plus(lambda name: 0.0 if "layers.1.mlp" in name or "layers.2.mlp" in name else 3.0))
    assert outcomes(report) == ["layers_left_out"]
    assert "missing in 4 of 12 layers: mlp.up_proj and mlp.down_proj of layers 1-2." in report.sentence()


def test_a_second_merge_is_told_from_the_first(place: Place) -> None:
    report = place.check(place.plus(6.0), "BF16")
    assert outcomes(report) == ["merged_twice"]
    assert report.survived == pytest.approx(2, abs=0.01)


def test_two_merges_and_rsloras_scale_look_the_same_for_rank_4_and_both_are_said(place: Place) -> None:
    assert "(or scaled otherwise: alpha/sqrt(r) instead of alpha/r)" in place.check(place.plus(6.0)).sentence()


@pytest.mark.parametrize(
    ("config", "scale", "told"),
    [
        ({}, 1.0, "0.333 times in all 12 layers: without alpha and r (a scale of 1)."),
        ({}, 1 / 4, "0.0833 times in all 12 layers: without alpha (1 instead of it)."),
        ({}, 12.0, "4 times in all 12 layers: without dividing by r."),
        ({"use_rslora": True}, 3.0, "0.5 times in all 12 layers: alpha/r instead of alpha/sqrt(r)."),
        ({}, 4.2, "1.4 times in all 12 layers: no known confusion"),
        ({}, -3.0, "-1 times in all 12 layers: no known confusion"),
    ],
)
def test_a_wrong_scale_is_told_with_its_cause(tmp_path: Path, config: dict[str, Any], scale: float, told: str) -> None:
    place = Place(tmp_path, **config)
    report = place.check(place.plus(scale))
    assert outcomes(report) == ["wrong_scale"]
    assert told in report.sentence()


def test_rsloras_scale_is_right_with_rslora(tmp_path: Path) -> None:
    place = Place(tmp_path, use_rslora=True)
    assert place.check(place.plus(6.0)).whole


def patterned(tmp_path: Path) -> Place:
    own: dict[str, Any] = {"rank_pattern": {"mlp.down_proj": 2}, "alpha_pattern": {"up_proj": 5}}
    return Place(tmp_path, ranks={"mlp.down_proj": 2}, **own)


def test_ranks_and_alphas_of_their_own_are_followed(tmp_path: Path) -> None:
    place = patterned(tmp_path)
    assert place.check(place.plus(lambda name: 12 / 2 if "down" in name else 5 / 4 if "up" in name else 3.0)).whole


def test_patterns_that_were_forgotten_are_the_cause(tmp_path: Path) -> None:
    place = patterned(tmp_path)
    report = place.check(place.plus(3.0))
    assert outcomes(report) == ["wrong_scale"]
    assert "0.5 to 2.4 times in mlp.up_proj and mlp.down_proj of layers 0-2" in report.sentence()
    assert "without alpha_pattern and rank_pattern" in report.sentence()


@pytest.mark.parametrize("kind", ["F32", "BF16"])
@pytest.mark.parametrize("block", [32, 64, 128])
def test_weights_of_4_bits_are_known_after_they_became_floats_again(place: Place, kind: str, block: int) -> None:
    quantized = {name: nf4(x, block) if linear(name) else x for name, x in place.before.items()}
    merged = {
        name: nf4(x + 3.0 * place.products.get(name, 0.0), block) if linear(name) else x
        for name, x in quantized.items()
    }
    report = place.check(merged, kind)
    assert outcomes(report) == ["quantized_weights"]
    assert f"at most 16 levels in each block of {block};" in report.sentence()
    assert f"{report.survived:.0%} of the update survives, under an error of" in report.sentence()
    assert len(report.findings[0].layers) == 18  # those without an adapter were quantized as well


def test_an_update_on_top_of_quantized_weights_is_told_as_that(place: Place) -> None:
    merged = {
        name: (nf4(x) + 3.0 * place.products.get(name, 0.0)).astype(np.float32) if linear(name) else x
        for name, x in place.before.items()
    }
    report = place.check(merged, "BF16")
    assert outcomes(report) == ["quantized_weights"]
    assert (
        "weights that had been quantized before: without U, at most 16 levels in each block of 64" in report.sentence()
    )
    assert report.survived == pytest.approx(1, abs=0.3)


def test_another_base_is_known_by_the_tensors_without_an_adapter(place: Place) -> None:
    other = Place.plus(place)
    moved = weights(seed=7)
    shift = {name: 0.1 * (moved[name] - moved[name].mean()) for name in other}
    report = place.check({name: (values + shift[name]).astype(np.float32) for name, values in other.items()})
    assert outcomes(report) == ["another_base"]
    assert "11 of 11 tensors that no adapter touches differ from the base" in report.sentence()
    assert "So 12 layers with an adapter moved by more than the update." in report.sentence()


def test_another_adapter_is_no_right_merge(place: Place) -> None:
    random = np.random.default_rng(5)
    merged = {
        name: (x + 0.01 * random.normal(size=x.shape)).astype(np.float32) if name in place.products else x
        for name, x in place.before.items()
    }
    report = place.check(merged)
    assert outcomes(report) == ["moved_otherwise"]


def test_a_head_that_is_not_the_embedding_it_is_tied_to_is_told(place: Place) -> None:
    merged = place.plus()
    report = place.check(merged | {HEAD: merged[EMBEDDING] + np.float32(0.01)})
    assert outcomes(report) == ["tied_embedding"]
    assert "config.json ties lm_head.weight to model.embed_tokens.weight, but they differ" in report.sentence()


def test_a_head_that_is_a_copy_of_the_embedding_is_whole(place: Place) -> None:
    merged = place.plus()
    assert place.check(merged | {HEAD: merged[EMBEDDING]}).whole


def test_embeddings_that_no_adapter_touches_and_that_differ_are_told(place: Place) -> None:
    merged = place.plus()
    report = place.check(merged | {EMBEDDING: merged[EMBEDDING] * np.float32(1.02)})
    assert outcomes(report) == ["tied_embedding"]
    assert "embed_tokens differ from the base: no adapter touches them." in report.sentence()


def head_adapter(place: Place) -> np.ndarray:
    """Gives the adapter a pair on lm_head, which the base ties to its embeddings; returns its B @ A."""
    random = np.random.default_rng(3)
    a, b = (random.normal(0, 0.02, shape).astype(np.float32) for shape in ((RANK, HIDDEN), (96, RANK)))
    sides = {f"base_model.model.lm_head.lora_{side}.weight": value for side, value in (("A", a), ("B", b))}
    save(place.adapter / "adapter_model.safetensors", sides)
    return b.astype(np.float64) @ a


def test_an_update_of_a_tied_head_that_went_into_the_embeddings_is_told(place: Place) -> None:
    merged = place.before[EMBEDDING] + 3 * head_adapter(place)
    report = place.check(place.before | {EMBEDDING: merged.astype(np.float32)})
    assert [layer.state for layer in report.layers] == ["merged"]
    assert outcomes(report) == ["tied_embedding"]
    assert (
        "embed_tokens holds the update of lm_head, which is not its own; lm_head holds its update" in report.sentence()
    )


def test_an_update_of_a_head_that_was_untied_for_it_is_whole(place: Place) -> None:
    head = place.before[EMBEDDING] + 3 * head_adapter(place)
    assert place.check(place.before | {HEAD: head.astype(np.float32)}, tie_word_embeddings=False).whole


def test_an_update_too_small_for_the_type_is_lost_to_rounding_and_not_called_unmerged(place: Place) -> None:
    place.before = {name: bf16(values) for name, values in place.before.items()}
    save(place.base / "model.safetensors", place.before)
    place.adapt(size=0.002)
    report = place.check(place.plus(), "BF16")
    assert outcomes(report) == ["lost_to_rounding"]
    for layer in report.layers:
        assert layer.survived == pytest.approx(layer.expected, abs=1e-3)


def test_missing_tensors_other_shapes_and_no_numbers_are_told_together_by_name(place: Place) -> None:
    merged = place.plus()
    del merged["model.layers.1.mlp.up_proj.weight"]
    merged[EMBEDDING] = np.vstack([merged[EMBEDDING], np.zeros((2, HIDDEN), np.float32)])
    merged["model.layers.2.self_attn.q_proj.weight"] = np.full((HIDDEN, HIDDEN), np.inf, np.float32)
    report = place.check(merged)
    assert outcomes(report) == ["missing_tensors", "shapes", "not_finite"]
    assert "1 tensor of the base is missing: mlp.up_proj of layer 1." in report.sentence()
    assert "model.embed_tokens.weight is (98, 64), the base's (96, 64)" in report.sentence()
    assert "no finite numbers: self_attn.q_proj of layer 2." in report.sentence()


def test_tensors_of_an_adapter_that_was_saved_unmerged_are_told(place: Place) -> None:
    name = "model.layers.0.self_attn.q_proj"
    merged = place.plus()
    merged[f"{name}.base_layer.weight"] = merged.pop(f"{name}.weight")
    assert outcomes(place.check(merged)) == ["left_adapter_tensors", "missing_tensors"]


def test_several_wrongs_are_all_told_the_most_serious_first(place: Place) -> None:
    merged = place.plus(lambda name: {"0": 0.0, "1": 6.0}.get(name.split(".")[2], 3.0))
    report = place.check(merged | {HEAD: merged[EMBEDDING] + np.float32(0.01)})
    assert outcomes(report) == ["layers_left_out", "merged_twice", "tied_embedding"]


def test_an_adapter_that_was_never_trained_changes_nothing(place: Place) -> None:
    (place.adapter / "adapter_config.json").write_text(json.dumps({"peft_type": "LORA", "r": 4, "lora_alpha": 0}))
    report = place.check(place.before)
    assert (report.whole, report.survived, report.layers[0].survived) == (True, None, None)
    assert "update is 0 in every layer" in report.sentence()


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"peft_type": "IA3"}, "peft_type is 'IA3'; merge-check applies only 'LORA'"),
        ({"init_lora_weights": "pissa"}, "init_lora_weights is 'pissa', which changes the base too"),
    ],
)
def test_another_kind_of_adapter_is_refused(tmp_path: Path, config: dict[str, Any], message: str) -> None:
    place = Place(tmp_path, **config)
    with pytest.raises(ConfigError, match=message):
        place.check(place.plus())


def test_an_adapter_of_another_base_is_refused(place: Place) -> None:
    folder(place.root / "small", {name: x for name, x in place.before.items() if "layers.2" not in name})
    with pytest.raises(MissingModel, match=r"adapts model\.layers\.2\.mlp\.down_proj, which .*small does not have"):
        check_merge(place.root / "small", place.adapter, place.base)
    wide = {name: np.hstack([x, x]) if "q_proj" in name else x for name, x in place.before.items()}
    folder(place.root / "wide", wide)
    with pytest.raises(
        MissingModel, match=r"another base: .*q_proj has A \(4, 64\) and B \(64, 4\), but .* \(64, 128\)"
    ):
        check_merge(place.root / "wide", place.adapter, place.base)


def test_a_missing_adapter_is_named(place: Place) -> None:
    (place.adapter / "adapter_model.safetensors").unlink()
    with pytest.raises(MissingModel, match=r"adapter_model\.safetensors: there is no such file"):
        place.check(place.plus())


@pytest.mark.parametrize("kind", ["F32", "F16", "BF16", "Q8_0"])
@pytest.mark.parametrize("architecture", ["llama", "qwen2"])
def test_a_gguf_of_a_right_merge_is_whole(place: Place, kind: str, architecture: str) -> None:
    made = write_gguf(place.root / "merged.gguf", place.plus(), kind, architecture)
    report = check_merge(place.base, place.adapter, made)
    assert outcomes(report) == ["whole"]
    assert (len(report.layers), len(report.others)) == (12, 11)


def test_what_q8_0_takes_is_told_apart_from_a_lost_update(place: Place) -> None:
    right = check_merge(
        place.base, place.adapter, write_gguf(place.root / "right.gguf", place.plus(), "Q8_0")
    ).sentence()
    assert "rounding to Q8_0 adds an error of 0.1" in right
    lost = check_merge(place.base, place.adapter, write_gguf(place.root / "lost.gguf", place.before, "Q8_0"))
    assert outcomes(lost) == ["not_merged"]


def test_an_update_far_below_q8_0s_noise_is_still_found_or_missed(place: Place) -> None:
    place.adapt(size=0.005)
    right = check_merge(place.base, place.adapter, write_gguf(place.root / "right.gguf", place.plus(), "Q8_0"))
    lost = check_merge(place.base, place.adapter, write_gguf(place.root / "lost.gguf", place.before, "Q8_0"))
    assert all(layer.explained > 1 for layer in right.layers)
    assert (outcomes(right), outcomes(lost)) == (["whole"], ["not_merged"])


def test_a_head_of_its_own_in_a_gguf_is_held_against_the_embeddings_of_the_base(place: Place) -> None:
    merged = place.plus()
    made = write_gguf(place.root / "m.gguf", merged | {HEAD: merged[EMBEDDING] * np.float32(1.05)}, "F16")
    sentence = check_merge(place.base, place.adapter, made).sentence()
    assert sentence == "tied_embedding: lm_head differ from the base: no adapter touches them."


def test_the_figures_of_a_gguf_are_those_of_its_folder(place: Place) -> None:
    made = check_merge(place.base, place.adapter, write_gguf(place.root / "m.gguf", place.plus(), "BF16"))
    for ours, theirs in zip(made.layers, place.check(place.plus(), "BF16").layers, strict=True):
        assert ours.residual == pytest.approx(theirs.residual)


def test_memory_is_a_few_times_the_largest_tensor_however_many_there_are(tmp_path: Path) -> None:
    wide, count = 1024, 6
    random = np.random.default_rng(0)
    base = {f"model.layers.{n}.mlp.up_proj.weight": random.random((wide, wide), np.float32) for n in range(count)}
    sides: dict[str, np.ndarray] = {}
    for name in base:
        stem = f"base_model.model.{name.removesuffix('.weight')}.lora_"
        sides |= {f"{stem}A.weight": random.random((4, wide), np.float32)}
        sides |= {f"{stem}B.weight": random.random((wide, 4), np.float32)}
    (tmp_path / "adapter").mkdir()
    save(tmp_path / "adapter" / "adapter_model.safetensors", sides)
    (tmp_path / "adapter" / "adapter_config.json").write_text('{"peft_type": "LORA", "r": 4, "lora_alpha": 4}')
    folder(tmp_path / "base", base)
    del base, sides
    tracemalloc.start()
    report = check_merge(tmp_path / "base", tmp_path / "adapter", tmp_path / "base")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert outcomes(report) == ["not_merged"]
    assert peak < 4 * 4 * wide * wide  # four of the 12 tensors in the two folders, in bytes


def test_the_report_is_json_and_says_itself(place: Place) -> None:
    report = place.check(place.before)
    again = json.loads(json.dumps(asdict(report), allow_nan=False))
    assert (again["whole"], again["findings"][0]["outcome"]) == (False, "not_merged")
    assert repr(report).endswith("merged: not_merged: none of the update is in any of the 12 layers: M is the base.")
    assert render(report).splitlines()[0].startswith("NOT WHOLE: ")
    assert "... and 3 more layers" not in render(report)


def test_experts_in_one_tensor_are_named_as_not_judged_and_the_rest_is_judged(tmp_path: Path) -> None:
    place = Place(tmp_path)
    experts = "model.layers.0.mlp.experts.gate_up_proj"
    place.before[experts] = np.ones((2, 4, 8), np.float32)
    save(place.base / "model.safetensors", place.before)
    sides = {
        name: tensor.whole() for name, tensor in open_safetensors(place.adapter / "adapter_model.safetensors").items()
    }
    stem = "base_model.model.model.layers.0.mlp.experts.base_layer.lora_"
    shapes = {f"{stem}A.weight": (8, 8), f"{stem}B.weight": (4, 8)}
    save(
        place.adapter / "adapter_model.safetensors",
        sides | {name: np.ones(x, np.float32) for name, x in shapes.items()},
    )
    stated = {"peft_type": "LORA", "r": RANK, "lora_alpha": 12, "target_parameters": ["mlp.experts.gate_up_proj"]}
    (place.adapter / "adapter_config.json").write_text(json.dumps(stated))
    report = place.check(place.plus())
    assert (outcomes(report), [place.tensor for place in report.not_judged]) == (["not_judged"], [experts])
    assert (len(report.layers), len(report.others)) == (12, 11)


@pytest.mark.parametrize(("kind", "outcome"), [("F16", "whole"), ("Q8_0", "whole"), ("lost", "not_merged")])
def test_a_dora_in_a_gguf_is_judged_as_in_a_folder(place: Place, kind: str, outcome: str) -> None:
    merged = dora(place)
    tensors = place.before if kind == "lost" else merged
    made = write_gguf(place.root / "m.gguf", tensors, "Q8_0" if kind == "lost" else kind)
    assert outcomes(check_merge(place.base, place.adapter, made)) == [outcome]


def test_a_dora_that_was_merged_into_4_bits_is_told(place: Place) -> None:
    merged = {name: nf4(x) if linear(name) else x for name, x in dora(place).items()}
    report = place.check(merged, "BF16")
    assert outcomes(report) == ["quantized_weights"]
    assert f"{report.survived:.0%} of the update survives" in report.sentence()


def dora(place: Place) -> dict[str, np.ndarray]:
    """Makes a DoRA of the adapter, each row 1.1 times as long as before; returns what it makes of the base."""
    file, config = (place.adapter / name for name in ("adapter_model.safetensors", "adapter_config.json"))
    sides = {name: tensor.whole() for name, tensor in open_safetensors(file).items()}
    config.write_text(json.dumps(json.loads(config.read_text()) | {"use_dora": True}))
    made = dict(place.before)
    for name, product in place.products.items():
        lengths = 1.1 * np.linalg.norm(place.before[name], axis=1)
        sides[f"base_model.model.{name.removesuffix('weight')}lora_magnitude_vector"] = lengths
        whole = place.before[name] + 3 * product
        made[name] = (lengths[:, None] / np.linalg.norm(whole, axis=1, keepdims=True) * whole).astype(np.float32)
    save(file, sides)
    return made
