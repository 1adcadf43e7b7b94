"""A model file that somebody else has made is read, or refused with the file and the reason; no code in it runs.

Our own readers are tried, by the thousand. What llama.cpp and torch read is theirs: see SECURITY.md.
"""

from __future__ import annotations

import json
import os
import pickle
import shutil
import struct
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random
from tempfile import mkdtemp
from typing import Any

import psutil
import pytest
from campaigns.storm import Storm
from tiny_weights import Place, folder, write_gguf

from evalkit.errors import EvalkitError
from evalkit.models.weights.adapter_fit import adapter_config, adapter_tensors, writes_on_base
from evalkit.models.weights.gguf_metadata import gguf_metadata
from evalkit.models.weights.lora import lora_config, lora_pairs, plain_lora_config
from evalkit.models.weights.merge_check import check_merge
from evalkit.models.weights.tensors import open_weights
from evalkit.models.weights.tokenizer_files import read_tokenizer_files

pytestmark = pytest.mark.storm

VALUES: tuple[object, ...] = (
    None, True, -1, 0, 1e308, 10**30, "", "x" * 10_000, "\x1b[2J", [], {}, [[[[]]]], "../../etc/passwd", ["x"] * 500,
    "F99",
    [2**62, 2**62], [-1, 4], [4.5, 2], {"a": 1}, "__reduce__", {"AutoModel": "evil.Evil"},
)  # fmt: skip
"""What stands in a key in place of its value."""


class Payload:
    """A pickle that would write a file."""

    def __reduce__(self) -> tuple[Callable[..., object], tuple[str]]:
        return os.system, ("touch harmed",)


def change_json(path: Path, random: Random) -> None:
    """Another value somewhere in a file of JSON."""
    table = json.loads(path.read_text(encoding="utf-8"))
    _change(table, random)
    path.write_text(json.dumps(table), encoding="utf-8")


def _change(table: Any, random: Random) -> None:
    while True:
        key = random.choice([*table, "new"]) if isinstance(table, dict) else random.randrange(len(table))
        inner = table.get(key) if isinstance(table, dict) else table[key]
        if not (isinstance(inner, dict | list) and inner) or random.random() < 0.4:
            table[key] = random.choice(VALUES)
            return
        table = inner


def change_header(path: Path, random: Random) -> None:
    """Another value in the header of a safetensors file; its tensors stay."""
    content = path.read_bytes()
    (size,) = struct.unpack("<Q", content[:8])
    header = json.loads(content[8 : 8 + size])
    _change(header, random)
    text = json.dumps(header).encode()
    length = random.choice([len(text)] * 6 + [0, 2**63, 2**40, len(text) + 1])
    path.write_bytes(struct.pack("<Q", length) + text + content[8 + size :])


def change_numbers(path: Path, random: Random) -> None:
    """Other numbers in the beginning of a GGUF, where counts, lengths and kinds stand."""
    content = bytearray(path.read_bytes())
    for _ in range(random.randint(1, 3)):
        place = random.randrange(4, min(len(content) - 8, 600))
        number = random.choice([0, 1, 9, 2**31, 2**40, 2**63, 2**64 - 1, random.randrange(2**64)])
        content[place : place + 8] = struct.pack("<Q", number)
    path.write_bytes(bytes(content))


def nest_arrays(path: Path, _: Random) -> None:
    """A GGUF whose first value is an array of arrays of arrays."""
    deep = struct.pack("<IQ", 9, 1) * 20_000
    key = struct.pack("<Q", 1) + b"k"
    path.write_bytes(b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + key + struct.pack("<I", 9) + deep)


def cut(path: Path, random: Random) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: random.randrange(len(content))])


def flip(path: Path, random: Random) -> None:
    content = bytearray(path.read_bytes())
    for _ in range(random.randint(1, 6)):
        content[random.randrange(min(len(content), 2_000))] = random.randrange(256)
    path.write_bytes(bytes(content))


def take_away(path: Path, _: Random) -> None:
    path.unlink()


def put_a_folder(path: Path, _: Random) -> None:
    path.unlink()
    path.mkdir()


def pickle_instead(path: Path, _: Random) -> None:
    """Weights as torch pickles them, in the place of safetensors, and under their own name beside it."""
    for place in (path, path.with_suffix(".bin"), path.with_suffix(".pt"), path.with_name("pytorch_model.bin")):
        if not place.is_dir():
            place.write_bytes(pickle.dumps(Payload()))
    path.unlink()


def index_elsewhere(path: Path, random: Random) -> None:
    """An index that says that the tensors are in another place."""
    place = random.choice(["../base/model.safetensors", "/etc/passwd", "/dev/zero", "nowhere", "", "\x1b[2J", 7, None])
    index = {"weight_map": {"model.norm.weight": place, "x": place}}
    path.with_name("model.safetensors.index.json").write_text(json.dumps(index), encoding="utf-8")


ANY = (cut, flip, take_away, put_a_folder)
HARMS: dict[str, tuple[Callable[[Path, Random], None], ...]] = {
    "base/model.safetensors": (*ANY, change_header, change_header, pickle_instead, index_elsewhere),
    "base/config.json": (*ANY, change_json, change_json),
    "adapter/adapter_model.safetensors": (*ANY, change_header, change_header, pickle_instead),
    "adapter/adapter_config.json": (*ANY, change_json, change_json, change_json),
    "merged/model.safetensors": (*ANY, change_header, change_header, pickle_instead, index_elsewhere),
    "merged.gguf": (*ANY, change_numbers, change_numbers, change_numbers, nest_arrays),
    "base/tokenizer_config.json": (*ANY, change_json, change_json),
    "base/tokenizer.json": (*ANY, change_json, change_json),
}


@dataclass(frozen=True, slots=True)
class Harmed:
    """What is done to which file, drawn from a seed of its own."""

    file: str
    harm: Callable[[Path, Random], None]
    seed: int

    def __repr__(self) -> str:
        return f"{self.harm.__name__} of {self.file}, seed {self.seed}"


def draw(random: Random) -> Harmed:
    file = random.choice(list(HARMS))
    return Harmed(file, random.choice(HARMS[file]), random.randrange(2**30))


def readers(root: Path) -> dict[str, Callable[[], object]]:
    """What reads which file, by what a person would call it."""
    base, tuned, gguf = root / "base", root / "adapter", root / "merged.gguf"
    config, keys = (
        tuned / "adapter_config.json",
        ("general.architecture", "tokenizer.chat_template", "tokenizer.ggml.tokens"),
    )
    return {
        "a base": lambda: open_weights(base),
        "a GGUF": lambda: open_weights(gguf),
        "a GGUF's keys": lambda: gguf_metadata(gguf, keys),
        "an adapter": lambda: (adapter_config(tuned), writes_on_base(tuned)),
        "an adapter for llama.cpp": lambda: (
            lora_config(config, "llama.cpp"), plain_lora_config(config, adapter_tensors(tuned)),
            lora_pairs(config, adapter_tensors(tuned)),
        ),
        "a merge": lambda: check_merge(base, tuned, root / "merged"),
        "a merge as GGUF": lambda: check_merge(base, tuned, gguf),
        "a tokenizer": lambda: read_tokenizer_files(base).vocabulary,
    }  # fmt: skip


def check(case: Harmed, template: Path, place: Path) -> str:
    root = Path(mkdtemp(dir=place)) / "models"
    shutil.copytree(template, root)
    case.harm(root / case.file, Random(case.seed))
    refused = 0
    for what, read in readers(root).items():
        try:
            read()
        except EvalkitError as error:
            refused += 1
            told = str(error)
            assert str(root) in told, f"{what}: it does not say where: {told}"
            assert not any(ord(each) < 32 and each != "\n" for each in told), repr(told)
    assert not Path("harmed").exists(), "code in a file was run"
    shutil.rmtree(root.parent)
    return f"{case.harm.__name__}: {'refused' if refused else 'read'}"


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A base, an adapter for it, what both make merged, and that as GGUF."""
    root = tmp_path_factory.mktemp("models") / "models"
    place = Place(root)
    folder(root / "merged", place.plus())
    write_gguf(root / "merged.gguf", place.plus(), "F32")
    (root / "base" / "tokenizer_config.json").write_text(
        json.dumps({"chat_template": "{{ messages }}", "eos_token": {"content": "</s>"}, "added_tokens_decoder": {}}),
        encoding="utf-8",
    )
    tokenizer = {
        "model": {"type": "BPE", "vocab": {"a": 0, "b": 1}, "merges": []},
        "added_tokens": [{"id": 2, "content": "</s>"}],
    }
    (root / "base" / "tokenizer.json").write_text(json.dumps(tokenizer), encoding="utf-8")
    for what, read in readers(root).items():
        read()
        assert what
    return root


@pytest.mark.parametrize("part", range(2))
def test_hostile_model_files(storm: Storm, template: Path, tmp_path: Path, part: int) -> None:  # noqa: ARG001
    before = psutil.Process().memory_info().rss
    storm.run(1_500, draw, partial(check, template=template, place=tmp_path), most_seconds=600, most_each=5)
    grown = (psutil.Process().memory_info().rss - before) / 2**20
    assert grown < 300, f"{grown:.0f} MiB more than before"
