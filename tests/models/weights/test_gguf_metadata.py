"""What a GGUF says of itself is read without a library."""

from __future__ import annotations

import struct
from pathlib import Path

from evalkit.models.weights.gguf_metadata import gguf_chat_template


def text(value: str) -> bytes:
    data = value.encode()
    return struct.pack("<Q", len(data)) + data


def written(path: Path, **texts: str) -> Path:
    pairs = b"".join(text(key) + struct.pack("<I", 8) + text(value) for key, value in texts.items())
    path.write_bytes(b"GGUF" + struct.pack("<IQQ", 3, 0, len(texts)) + pairs)
    return path


def test_the_chat_template_is_found_wherever_it_stands(tmp_path: Path) -> None:
    file = written(tmp_path / "a.gguf", **{"general.name": "a", "tokenizer.chat_template": "{{ é }}", "z": "z"})
    assert gguf_chat_template(file) == "{{ é }}"


def test_a_file_without_one_has_an_empty_one(tmp_path: Path) -> None:
    assert gguf_chat_template(written(tmp_path / "a.gguf", **{"general.name": "tokenizer.chat_template"})) == ""


def test_a_torn_one_is_left_to_whoever_loads_the_file(tmp_path: Path) -> None:
    file = written(tmp_path / "a.gguf", **{"tokenizer.chat_template": "{{ messages }}"})
    file.write_bytes(file.read_bytes()[:-3])
    assert gguf_chat_template(file) == ""
