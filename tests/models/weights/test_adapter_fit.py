"""An adapter's tensors must all be for modules that the model has."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny_weights import Place, save

from evalkit.errors import ConfigError
from evalkit.models.weights.adapter_fit import adapter_tensors, misfit, module_of, writes_on_base

MODULES = {"", "model", "model.layers.0.self_attn.q_proj", "model.embed_tokens", "lm_head"}


@pytest.mark.parametrize(
    "tensor",
    [
        "base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight",
        "base_model.model.model.layers.0.self_attn.q_proj.lora_B.default.weight",
        "base_model.model.model.layers.0.self_attn.q_proj.lora_magnitude_vector",
        "base_model.model.model.layers.0.self_attn.q_proj.bias",
        "base_model.model.model.embed_tokens.lora_embedding_A",
        "base_model.model.model.embed_tokens.token_adapter.trainable_tokens_delta",
        "base_model.model.model.embed_tokens.base_layer.weight",
        "base_model.model.lm_head.weight",
    ],
)
def test_every_tensor_that_a_lora_adapter_may_have_is_for_its_module(tensor: str) -> None:
    assert module_of(tensor) in MODULES
    assert misfit([tensor], MODULES) == ""


def test_tensors_of_a_wrapped_model_fit_nothing() -> None:
    strange = ["base_model.model.model.language_model.layers.0.self_attn.q_proj.lora_A.weight"]
    assert misfit(strange, MODULES).startswith(
        "none of its 1 tensor is for a module of this model, which lacks model.language_model.layers.0.self_attn.q_proj"
    )


def test_one_that_does_not_fit_is_named_among_those_that_do() -> None:
    names = [f"base_model.model.{module}.lora_A.weight" for module in ("lm_head", "model.embed_tokens", "model.odd")]
    told = "1 of its 3 tensors are not for a module of this model, which lacks model.odd"
    assert misfit(names, MODULES).startswith(told)


@pytest.mark.parametrize(
    ("more", "config", "writes"),
    [
        ({}, {}, False),
        ({"base_model.model.model.embed_tokens.weight": np.zeros((2, 2), np.float32)}, {}, True),
        ({"base_model.model.lm_head.weight": np.zeros((2, 2), np.float32)}, {"modules_to_save": ["lm_head"]}, False),
        ({}, {"init_lora_weights": "pissa"}, True),
    ],
)
def test_what_would_change_the_base_for_everyone_is_known(
    tmp_path: Path, more: dict[str, np.ndarray], config: dict[str, Any], writes: bool
) -> None:
    adapter = Place(tmp_path, **config).adapter
    sides = {name: np.zeros((2, 2), np.float32) for name in adapter_tensors(adapter)}
    save(adapter / "adapter_model.safetensors", {**sides, **more})
    assert writes_on_base(adapter) == writes


def test_a_configuration_that_is_none_is_told(tmp_path: Path) -> None:
    (tmp_path / "adapter_config.json").write_text(json.dumps({"r": 8}))
    with pytest.raises(ConfigError, match=r"adapter_config\.json: not the configuration of a PEFT adapter .*peft_type"):
        writes_on_base(tmp_path)
