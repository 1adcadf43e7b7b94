"""A PEFT adapter as GGUF: what llama.cpp applies is what PEFT applies."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny_weights import save

from evalkit.errors import ConfigError, MissingModel
from evalkit.golden.loader import load_task
from evalkit.models.backend import Opening, Spec
from evalkit.models.request import render
from evalkit.models.weights.lora_gguf import check_gguf_adapter, gguf_adapter
from fixtures.convert import base_gguf, f16_base

ROOT = Path(__file__).parents[3]
COMMITTED = ROOT / "fixtures" / "adapters" / "market_direction"
Q, K, V, DOWN = (
    f"model.layers.3.{name}" for name in ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "mlp.down_proj")
)
SHAPES = {Q: (576, 576), K: (192, 576), V: (192, 576), DOWN: (576, 1536)}  # (out, in) of the real base
CONFIG = {"peft_type": "LORA", "r": 4, "lora_alpha": 8, "bias": "none", "target_modules": ["q_proj"]}


def peft_folder(folder: Path, modules: list[str], ranks: dict[str, int] | None = None, **config: Any) -> Path:
    """A PEFT folder on ``modules``, in bfloat16 as training writes it, filled from a fixed seed."""
    import torch
    from safetensors.torch import save_file

    torch.manual_seed(0)
    tensors = {}
    for module in modules:
        rank = (ranks or {}).get(module, 4)
        out, width = SHAPES.get(module, (576, 576))
        tensors[f"base_model.model.{module}.lora_A.weight"] = torch.randn(rank, width, dtype=torch.bfloat16)
        tensors[f"base_model.model.{module}.lora_B.weight"] = torch.randn(out, rank, dtype=torch.bfloat16)
    folder.mkdir()
    save_file(tensors, folder / "adapter_model.safetensors")
    (folder / "adapter_config.json").write_text(json.dumps(CONFIG | config))
    return folder


def given(folder: Path, module: str) -> tuple[np.ndarray, np.ndarray]:
    """A and B as PEFT reads them."""
    from safetensors.torch import load_file

    tensors = load_file(folder / "adapter_model.safetensors")
    a, b = (tensors[f"base_model.model.{module}.lora_{side}.weight"].float().numpy() for side in "AB")
    return a, b


def applied(path: Path, tensor: str) -> np.ndarray:
    """What llama.cpp adds to ``tensor``: (alpha / rank) * b @ a."""
    from gguf import GGUFReader

    reader = GGUFReader(path)
    tensors = {each.name: each.data for each in reader.tensors}
    a, b = tensors[f"{tensor}.lora_a"], tensors[f"{tensor}.lora_b"]
    alpha = reader.get_field("adapter.lora.alpha").contents()
    product: np.ndarray = alpha / a.shape[0] * (b @ a)
    return product


def test_a_plain_projection_is_written_to_the_bit(tmp_path: Path) -> None:
    folder = peft_folder(tmp_path / "peft", [V, DOWN])
    made = gguf_adapter(folder, base_gguf(), tmp_path)
    for module, tensor in ((V, "blk.3.attn_v.weight"), (DOWN, "blk.3.ffn_down.weight")):
        a, b = given(folder, module)
        np.testing.assert_array_equal(applied(made, tensor), 2.0 * (b @ a))


@pytest.mark.parametrize(("module", "tensor", "heads"), [(Q, "attn_q", 9), (K, "attn_k", 3)])
def test_rows_of_q_and_k_are_in_the_order_of_the_base(tmp_path: Path, module: str, tensor: str, heads: int) -> None:
    folder = peft_folder(tmp_path / "peft", [module])
    a, b = given(folder, module)
    rows = applied(gguf_adapter(folder, base_gguf(), tmp_path), f"blk.3.{tensor}.weight")
    update = 2.0 * (b @ a)
    for head in range(heads):
        for place in range(32):  # llama.cpp's rows 2i and 2i + 1 are transformers' rows i and i + 32 of a head
            np.testing.assert_array_equal(rows[64 * head + 2 * place], update[64 * head + place])
            np.testing.assert_array_equal(rows[64 * head + 2 * place + 1], update[64 * head + place + 32])


@pytest.mark.parametrize(
    ("config", "scale"),
    [
        ({"use_rslora": True}, 8 / 4**0.5),
        ({"alpha_pattern": {"v_proj": 3}}, 3 / 4),
        ({"alpha_pattern": {"layers.2.self_attn.v_proj": 3}}, 8 / 4),
        ({"lora_alpha": 0}, 0.0),
    ],
    ids=["rslora", "own alpha", "another's alpha", "alpha of nothing"],
)
def test_the_scale_is_pefts(tmp_path: Path, config: dict[str, Any], scale: float) -> None:
    folder = peft_folder(tmp_path / "peft", [V], **config)
    a, b = given(folder, V)
    np.testing.assert_allclose(
        applied(gguf_adapter(folder, base_gguf(), tmp_path), "blk.3.attn_v.weight"),
        scale * (b @ a),
        rtol=1e-5,
        atol=1e-5,
    )


def test_a_module_may_have_a_rank_of_its_own(tmp_path: Path) -> None:
    folder = peft_folder(tmp_path / "peft", [V, DOWN], ranks={DOWN: 2}, rank_pattern={"down_proj": 2})
    a, b = given(folder, DOWN)
    made = gguf_adapter(folder, base_gguf(), tmp_path)
    np.testing.assert_allclose(applied(made, "blk.3.ffn_down.weight"), 8 / 2 * (b @ a), rtol=1e-5, atol=1e-5)


def test_it_is_made_once_and_again_when_the_adapter_changes(tmp_path: Path) -> None:
    folder = peft_folder(tmp_path / "peft", [V])
    first = gguf_adapter(folder, base_gguf(), tmp_path)
    made = first.stat().st_mtime_ns
    assert gguf_adapter(folder, base_gguf(), tmp_path) == first
    assert first.stat().st_mtime_ns == made
    (folder / "adapter_config.json").write_text(json.dumps(CONFIG | {"lora_alpha": 16}))
    assert gguf_adapter(folder, base_gguf(), tmp_path) != first
    assert sorted(first.parent.glob(".*")) == []


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"use_dora": True}, "use_dora is True, which a GGUF adapter can't express"),
        ({"modules_to_save": ["lm_head"]}, r"modules_to_save is \['lm_head'\], which a GGUF"),
        ({"bias": "all"}, "bias is 'all', which a GGUF"),
        ({"trainable_token_indices": [3]}, r"trainable_token_indices is \[3\], which a GGUF"),
        ({"alora_invocation_tokens": [7, 8]}, r"alora_invocation_tokens is \[7, 8\], which a GGUF"),
        (
            {"use_dora": True, "lora_bias": True},
            r"use_dora is True, .*; lora_bias is True, .*Merge .* convert the merged",
        ),
        ({"something_new": {"a": 1}}, "something_new is .*, which a GGUF"),
        ({"init_lora_weights": "pissa"}, "init_lora_weights is 'pissa', which changes the base too"),
        ({"peft_type": "IA3"}, "peft_type is 'IA3'; llama.cpp applies only 'LORA'"),
        ({"r": None}, "not the configuration of a LoRA adapter"),
    ],
)
def test_what_a_gguf_cannot_hold_is_refused_by_name(tmp_path: Path, config: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        gguf_adapter(peft_folder(tmp_path / "peft", [V], **config), base_gguf(), tmp_path)


@pytest.mark.parametrize(
    "tensors",
    [
        ["model.layers.3.self_attn.v_proj.lora_magnitude_vector"],
        ["model.layers.3.self_attn.v_proj.lora_B.bias"],
        ["model.embed_tokens.lora_embedding_A", "model.embed_tokens.lora_embedding_B"],
        ["model.embed_tokens.token_adapter.trainable_tokens_delta"],
    ],
)
def test_what_only_the_tensors_say_is_refused_by_their_names(tmp_path: Path, tensors: list[str]) -> None:
    folder = peft_folder(tmp_path / "peft", [V])
    more = {f"base_model.model.{name}": np.zeros((2, 2), np.float32) for name in tensors}
    save(folder / "adapter_model.safetensors", more)
    with pytest.raises(ConfigError, match=rf"the tensors? base_model\.model\.{tensors[0]}.* of a plain LoRA\. Merge"):
        check_gguf_adapter(folder)


def test_an_adapter_for_another_base_is_refused(tmp_path: Path) -> None:
    folder = peft_folder(tmp_path / "layers", ["model.layers.40.self_attn.q_proj"])
    with pytest.raises(MissingModel, match=r"adapts model\.layers\.40\.self_attn\.q_proj, which .* does not have"):
        gguf_adapter(folder, base_gguf(), tmp_path)
    folder = peft_folder(tmp_path / "width", ["model.layers.3.mlp.up_proj"])
    with pytest.raises(
        MissingModel, match=r"was made for another base: .* but blk.3.ffn_up.weight .* is \(1536, 576\)"
    ):
        gguf_adapter(folder, base_gguf(), tmp_path)


def test_a_tensor_that_is_none_of_a_lora_is_refused(tmp_path: Path) -> None:
    import torch
    from safetensors.torch import save_file

    folder = peft_folder(tmp_path / "peft", [V])
    save_file({"base_model.model.lm_head.weight": torch.zeros(2, 2)}, folder / "adapter_model.safetensors")
    with pytest.raises(ConfigError, match=r"the tensor base_model\.model\.lm_head\.weight is none of a plain LoRA"):
        gguf_adapter(folder, base_gguf(), tmp_path)


def test_a_torn_file_is_named(tmp_path: Path) -> None:
    folder = peft_folder(tmp_path / "peft", [V])
    weights = folder / "adapter_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-10])
    with pytest.raises(MissingModel, match=r"adapter_model\.safetensors"):
        gguf_adapter(folder, base_gguf(), tmp_path)


def test_an_adapter_without_its_weights_is_named(tmp_path: Path) -> None:
    folder = peft_folder(tmp_path / "peft", [V])
    (folder / "adapter_model.safetensors").unlink()
    with pytest.raises(MissingModel, match=r"peft/adapter_model\.safetensors: there is no such file"):
        gguf_adapter(folder, base_gguf(), tmp_path)


@pytest.mark.real
def test_llama_cpp_answers_with_it_as_peft_does(tmp_path: Path) -> None:
    from evalkit.models.backends import gguf, hf
    from fixtures.convert import float_base

    task = load_task(ROOT / "golden" / "market_direction", verify=False)
    requests = [render(task, example) for example in task.splits["dev"][:6]]
    models = {"f16": {"gguf": str(f16_base())}, "floats": {"hf": str(float_base())}}

    def texts(open_backend: Any, spec: Spec) -> list[str]:
        backend = open_backend(replace(opening, spec=spec))
        found = {request.example_id: result.text for request, result in backend.answer(requests)}
        backend.close()
        return [found[request.example_id] for request in requests]

    opening = Opening(Spec("gguf"), task, ROOT, models=models, cache=tmp_path)
    ours = texts(gguf.open_backend, Spec("gguf", "f16", str(COMMITTED)))
    theirs = texts(hf.open_backend, Spec("hf", "floats", str(COMMITTED)))
    plain = texts(gguf.open_backend, Spec("gguf", "f16"))
    # Not all: f16 against f32 turns a token that was as likely as another, on some machine or other.
    assert sum(our == their for our, their in zip(ours, theirs, strict=True)) >= 5
    assert sum(our == base for our, base in zip(ours, plain, strict=True)) == 0
