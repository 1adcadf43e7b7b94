"""Weights are read under transformers' names and in its rows, whatever file they lie in."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from tiny_weights import bf16, folder, nf4, save, weights, write_gguf

from evalkit.errors import ConfigError, MissingModel
from evalkit.models.weights.tensors import block_of_levels, coarsest, open_safetensors, open_weights, rounded

Q = "model.layers.1.self_attn.q_proj.weight"


@pytest.mark.parametrize(("kind", "nearest"), [("F32", "F32"), ("F16", "F16"), ("BF16", "BF16")])
def test_a_folder_gives_what_was_saved(tmp_path: Path, kind: str, nearest: str) -> None:
    saved = weights()
    read = open_weights(folder(tmp_path / "m", saved, kind))
    assert set(read.tensors) == set(saved)
    for name, values in saved.items():
        np.testing.assert_array_equal(read.get(name).whole(), rounded(values, nearest))
    np.testing.assert_array_equal(read.get(Q).rows(3, 5), rounded(saved[Q], nearest)[3:5])
    assert read.config["tie_word_embeddings"] is True


def test_what_torch_saved_is_read_to_the_bit(tmp_path: Path) -> None:
    import torch
    from safetensors.torch import save_file

    (tmp_path / "m").mkdir()
    saved = torch.randn(5, 7, generator=torch.Generator().manual_seed(0)).to(torch.bfloat16)
    save_file({"w.weight": saved, "steps": torch.tensor(3)}, tmp_path / "m" / "model.safetensors")
    read = open_weights(tmp_path / "m")
    assert list(read.tensors) == ["w.weight"]  # a counter is no weight
    np.testing.assert_array_equal(read.get("w.weight").whole(), saved.float().numpy())


def test_shards_are_read_by_their_index(tmp_path: Path) -> None:
    saved, place = weights(), tmp_path / "m"
    place.mkdir()
    names = sorted(saved)
    parts = {"a.safetensors": names[:7], "b.safetensors": names[7:]}
    for file, own in parts.items():
        save(place / file, {name: saved[name] for name in own})
    stated = {"weight_map": {name: file for file, own in parts.items() for name in own}}
    (place / "model.safetensors.index.json").write_text(json.dumps(stated))
    read = open_weights(place)
    assert {name: read.get(name).whole().sum() for name in names} == {name: saved[name].sum() for name in names}
    (place / "b.safetensors").unlink()
    with pytest.raises(MissingModel, match=r"b\.safetensors: there is no such file"):
        open_weights(place)


@pytest.mark.parametrize("kind", ["F16", "Q8_0"])
def test_a_gguf_gives_transformers_names_and_rows(tmp_path: Path, kind: str) -> None:
    saved = weights()
    read = open_weights(write_gguf(tmp_path / "m.gguf", saved, kind))
    for name, values in saved.items():
        expected = rounded(values, kind) if values.ndim == 2 else values
        np.testing.assert_array_equal(read.get(name).whole(), expected)
    np.testing.assert_array_equal(read.get(Q).rows(3, 40), rounded(saved[Q], kind)[3:40])
    assert read.get("lm_head.weight") is None


@pytest.mark.parametrize("kind", ["F16", "BF16", "Q8_0"])
def test_rounding_is_the_one_of_the_gguf_package_and_of_torch(kind: str) -> None:
    from gguf import GGMLQuantizationType
    from gguf.quants import dequantize, quantize

    values = np.random.default_rng(0).normal(0, 0.05, (16, 64)).astype(np.float32)
    own = GGMLQuantizationType[kind]
    np.testing.assert_array_equal(rounded(values, kind), dequantize(quantize(values, own), own))


def test_the_type_that_values_really_have_is_seen(tmp_path: Path) -> None:
    values = weights()[Q]
    made = {"full": values, "half": values.astype(np.float16).astype(np.float32), "brain": bf16(values)}
    read = open_weights(folder(tmp_path / "m", made))
    assert {name: coarsest(read.tensors[name]) for name in made} == {"full": "F32", "half": "F16", "brain": "BF16"}


@pytest.mark.parametrize("block", [32, 64, 128])
def test_the_block_of_4_bit_weights_is_found(block: int) -> None:
    values = np.random.default_rng(0).normal(0, 0.05, (128, 256)).astype(np.float32)
    assert block_of_levels(nf4(values, block), values) == block
    assert block_of_levels(bf16(nf4(values, block)), values) == block


def test_ordinary_weights_have_no_blocks_of_levels() -> None:
    values = np.random.default_rng(0).normal(0, 0.05, (128, 256)).astype(np.float32)
    for kind in ("F32", "BF16", "Q8_0"):
        assert block_of_levels(rounded(values, kind), values) is None


def test_a_base_that_had_such_blocks_before_proves_nothing() -> None:
    values = nf4(np.random.default_rng(0).normal(0, 0.05, (128, 256)))
    assert block_of_levels(values, values) is None


def test_a_folder_that_is_still_quantized_is_refused(tmp_path: Path) -> None:
    saved = weights()
    saved |= {Q: np.zeros((2048, 1), np.uint8), f"{Q}.quant_state.bitsandbytes__nf4": np.zeros(9, np.uint8)}
    with pytest.raises(
        ConfigError, match=r"still holds quantized tensors \(.*q_proj.weight is of type U8, beside .*nf4\)"
    ):
        open_weights(folder(tmp_path / "m", saved))


def test_a_gguf_of_a_type_whose_rounding_is_unknown_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"attn_q\.weight is Q4_0; what F32, F16, BF16, Q8_0 take"):
        open_weights(write_gguf(tmp_path / "m.gguf", {Q: weights()[Q]}, "Q4_0"))


def test_a_gguf_of_an_unknown_architecture_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="its architecture is 'gemma'; only for llama, qwen2, qwen3"):
        open_weights(write_gguf(tmp_path / "m.gguf", weights(), "F16", "gemma"))


@pytest.mark.parametrize("file", ["model.safetensors", "model.gguf"])
def test_a_torn_file_is_named(tmp_path: Path, file: str) -> None:
    path = folder(tmp_path / "m", weights()) / "model.safetensors"
    if file.endswith("gguf"):
        path = write_gguf(tmp_path / "model.gguf", weights(), "F16")
    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(MissingModel, match="not a whole"):
        open_weights(path.parent if path.suffix == ".safetensors" else path)


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ((), "no safetensors file; expected model.safetensors"),
        (("a.safetensors", "b.safetensors"), "2 safetensors files without an index"),
        (("adapter_model.safetensors",), "it holds an adapter, but no model"),
    ],
    ids=["empty", "shards alone", "an adapter"],
)
def test_a_folder_without_a_model_is_named(tmp_path: Path, files: tuple[str, ...], message: str) -> None:
    for file in files:
        save(tmp_path / file, weights())
    with pytest.raises(MissingModel, match=message):
        open_weights(tmp_path)


@pytest.mark.parametrize("name", ["none", "none.gguf"])
def test_what_is_not_there_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(MissingModel, match="there is no such"):
        open_weights(tmp_path / name)


def test_a_file_that_is_no_safetensors_is_named(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"<html>not found</html>")
    with pytest.raises(MissingModel, match="not a safetensors file"):
        open_weights(tmp_path)


@pytest.mark.parametrize("name", ["adapter_model.bin", "adapter_model.pt"])
def test_a_pickle_is_not_opened_and_what_to_do_is_said(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"cos\nsystem\n(S'touch harmed'\ntR.")
    with pytest.raises(MissingModel, match=rf"{name} is a pickle, which is not opened: save it anew"):
        open_safetensors(tmp_path / "adapter_model.safetensors")
