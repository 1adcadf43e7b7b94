"""An adapter is asked with the chat template and the tokenizer of its folder, where they are not its base's."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from evalkit.errors import MissingModel
from evalkit.models.weights.own_tokenizer import own_beside, own_beside_gguf

TEMPLATE = "{% for m in messages %}{{ m['content'] }}{% endfor %}"
VOCABULARY = {"a": 0, "b": 1, "<end>": 2}


def tokenizer(vocabulary: Mapping[str, int] = VOCABULARY, **more: Any) -> str:
    plain = {token: number for token, number in vocabulary.items() if not token.startswith("<")}
    added = [{"id": number, "content": token} for token, number in vocabulary.items() if token.startswith("<")]
    return json.dumps({"model": {"type": "BPE", "vocab": plain, "merges": []}, "added_tokens": added, **more})


def folder(path: Path, **files: str) -> Path:
    path.mkdir()
    for name, text in files.items():
        (path / name.replace("_jinja", ".jinja").replace("_json", ".json")).write_text(text)
    return path


@pytest.fixture
def base(tmp_path: Path) -> Path:
    config = json.dumps({"chat_template": TEMPLATE, "eos_token": "<end>"})
    return folder(tmp_path / "base", tokenizer_json=tokenizer(), tokenizer_config_json=config)


def gguf(path: Path, tokens: list[str], template: str = TEMPLATE) -> Path:
    from gguf import GGUFWriter

    writer = GGUFWriter(path, "llama")
    writer.add_token_list(tokens)
    writer.add_eos_token_id(len(tokens) - 1)
    writer.add_chat_template(template)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


@pytest.mark.parametrize(
    "files",
    [
        {},
        {"chat_template_jinja": TEMPLATE + "\n"},
        {"tokenizer_config_json": json.dumps({"chat_template": [{"name": "default", "template": TEMPLATE}]})},
        {"tokenizer_json": tokenizer(truncation={"max_length": 512}, padding={"strategy": "BatchLongest"})},
        {"tokenizer_config_json": json.dumps({"eos_token": {"content": "<end>"}, "pad_token": "<end>"})},
    ],
)
def test_what_says_the_same_as_the_base_changes_nothing(tmp_path: Path, base: Path, files: dict[str, str]) -> None:
    adapter = folder(tmp_path / "adapter", **files)
    assert own_beside(adapter, base, 3) is None
    assert own_beside_gguf(adapter, gguf(tmp_path / "base.gguf", ["a", "b", "<end>"])) is None


@pytest.mark.parametrize(
    ("files", "what"),
    [
        ({"chat_template_jinja": "other"}, ["chat template"]),
        ({"tokenizer_config_json": json.dumps({"chat_template": "other"})}, ["chat template"]),
        ({"tokenizer_json": tokenizer(normalizer={"type": "NFC"})}, ["tokenizer"]),
        (
            {"tokenizer_json": tokenizer(), "special_tokens_map_json": json.dumps({"eos_token": "b"})},
            ["tokenizer"],
        ),
        (
            {"tokenizer_json": tokenizer({**VOCABULARY, "<new>": 3}), "chat_template_jinja": "x"},
            ["chat template", "tokenizer with 1 new token"],
        ),
    ],
)
def test_what_differs_is_in_the_fingerprint(tmp_path: Path, base: Path, files: dict[str, str], what: list[str]) -> None:
    own = own_beside(folder(tmp_path / "adapter", **files), base, 4)
    assert own is not None
    assert list(own.fingerprint["adapter_own"]) == what


def test_tokens_that_the_base_has_no_row_for_are_counted_and_both_remedies_told(tmp_path: Path, base: Path) -> None:
    vocabulary = {**VOCABULARY, "<one>": 3, "<two>": 4}
    adapter = folder(tmp_path / "adapter", tokenizer_json=tokenizer(vocabulary))
    message = r"adds 2 tokens that .* lacks \('<one>', '<two>'\)\. Merge .* or resize .*resize_token_embeddings\(5\)"
    with pytest.raises(MissingModel, match=message):
        own_beside(adapter, base, 3)
    with pytest.raises(MissingModel, match=message):
        own_beside_gguf(adapter, gguf(tmp_path / "base.gguf", ["a", "b", "<end>", "[PAD3]", "[PAD4]"]))


def test_beside_a_gguf_another_template_is_used_and_another_vocabulary_refused(tmp_path: Path) -> None:
    file = gguf(tmp_path / "base.gguf", ["a", "b", "<end>"])
    own = own_beside_gguf(folder(tmp_path / "adapter", chat_template_jinja="other"), file)
    assert own is not None
    assert (own.template, own.tokenizer, dict(own.specials)) == ("other", "", {"eos_token": "<end>"})
    swapped = folder(tmp_path / "swapped", tokenizer_json=tokenizer({"b": 0, "a": 1, "<end>": 2}))
    with pytest.raises(MissingModel, match=r"other tokens than .*base\.gguf at 2 places \('b', 'a'\).*Merge .*convert"):
        own_beside_gguf(swapped, file)


def test_files_that_are_torn_are_told(tmp_path: Path, base: Path) -> None:
    adapter = folder(tmp_path / "adapter", tokenizer_json="{")
    with pytest.raises(MissingModel, match=r"adapter/tokenizer\.json: not valid JSON .*Save the tokenizer again"):
        own_beside(adapter, base, 3)
    file = gguf(tmp_path / "base.gguf", ["a", "b", "<end>"])
    file.write_bytes(file.read_bytes()[:120])
    with pytest.raises(MissingModel, match=r"base\.gguf: not a whole GGUF file"):
        own_beside_gguf(folder(tmp_path / "other", chat_template_jinja="x"), file)
