"""Reads the weights of a model row by row, from a safetensors folder or a GGUF, under transformers' names and rows."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evalkit._internal.counts import counted
from evalkit.errors import ConfigError, MissingModel
from evalkit.models.weights.gguf_layout import PERMUTED, Layout, Matrix, architecture_of, permuted

Values = NDArray[np.floating[Any]]

FLOATS = ("F32", "F16", "BF16", "Q8_0")
"""The types of weights that can be read; Q8_0 in a GGUF only."""

_BYTES = {"F32": 4, "F16": 2, "BF16": 2}
_CHUNK = 1 << 17
"""Elements that are in memory at once: 1 MiB of float64."""

_QUANTIZED = ("quant_state", "absmax", "quant_map", "qweight", "qzeros", "weight_packed", "weight_scale", "SCB")
"""Ends of names that only quantized folders have (bitsandbytes, GPTQ, AWQ, compressed-tensors, FP8)."""


@dataclass(frozen=True, slots=True)
class Tensor:
    """A tensor that is read by rows: its type (``kind``, as safetensors and GGUF name it) and shape, (out, in) for
    most matrices. One that is in a file is read as float32; one that is computed (of kind F64) as float64.
    """

    kind: str
    shape: tuple[int, ...]
    read: Callable[[int, int], Values]

    def rows(self, start: int, stop: int) -> Values:
        """The rows from ``start`` to before ``stop`` of the first dimension."""
        return self.read(start, stop)

    def whole(self) -> Values:
        """All of it, in ``shape``."""
        return self.read(0, self.shape[0] if self.shape else 1)

    def chunks(self) -> Iterator[tuple[int, int]]:
        """``(start, stop)`` of runs of rows that hold at most 131072 elements (one row at least)."""
        count = self.shape[0] if self.shape else 1
        step = max(1, _CHUNK // max(1, math.prod(self.shape[1:])))
        yield from ((start, min(start + step, count)) for start in range(0, count, step))


@dataclass(frozen=True, slots=True)
class Weights:
    """All tensors of a model. ``config`` is its config.json, and empty where there is none (a GGUF has none).

    ``name_here`` gives the name that a tensor of transformers has in ``tensors``.
    """

    path: Path
    tensors: Mapping[str, Tensor]
    config: Mapping[str, Any]
    name_here: Callable[[str], str]

    def get(self, name: str) -> Tensor | None:
        """The tensor that transformers calls ``name``, or None."""
        return self.tensors.get(self.name_here(name))


def open_weights(path: Path) -> Weights:
    """The weights at ``path``: a folder of safetensors, whole or in shards, or a .gguf file. Nothing is read yet.

    Raises MissingModel where there are none or a file is torn, ConfigError where they are quantized in another way
    than Q8_0, or of an architecture whose GGUF has other rows than transformers.
    """
    if path.suffix == ".gguf":
        return _gguf(path)
    if not path.is_dir():
        raise MissingModel(f"{path}: there is no such folder of safetensors, and it is no .gguf file")
    config = _config(path / "config.json")
    tensors: dict[str, Tensor] = {}
    for file in _files(path):
        tensors |= open_safetensors(file)
    keys = sorted(name for name in tensors if name.rpartition(".")[2].startswith(_QUANTIZED) or ".quant_state." in name)
    odd = [name for name, tensor in tensors.items() if name.endswith(".weight") and tensor.kind not in FLOATS]
    if keys or odd:
        what = f"{odd[0]} is of type {tensors[odd[0]].kind}" if odd else f"it holds {keys[0]}"
        beside = f", beside {keys[0]}" if odd and keys else ""
        raise ConfigError(
            f"{path}: it still holds quantized tensors ({what}{beside}), whose weights can't be compared. "
            "Load it, call dequantize(), and save that; or name the folder of float weights."
        )
    # Counters, masks and the like are no weights.
    return Weights(path, {name: tensor for name, tensor in tensors.items() if tensor.kind in FLOATS}, config, str)


def _config(path: Path) -> Mapping[str, Any]:
    if not path.is_file():
        return {}
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ConfigError(f"{path}: not valid JSON: {error}") from error
    if not isinstance(config, dict):
        raise ConfigError(f"{path}: got {config!r:.60}, expected an object")
    return config


def _files(folder: Path) -> list[Path]:
    index = folder / "model.safetensors.index.json"
    if index.is_file():
        shards = _config(index).get("weight_map")
        if not isinstance(shards, dict) or not shards:
            raise ConfigError(f"{index}: it has no weight_map, so the shards are not known")
        names = sorted({str(name) for name in shards.values()})
        if outside := next((name for name in names if Path(name).name != name), None):
            raise ConfigError(f"{index}: it names {outside!r}, expected the names of files in this folder")
        return [folder / name for name in names]
    files = sorted(file for file in folder.glob("*.safetensors") if not file.name.startswith("adapter_"))
    if (folder / "model.safetensors") in files:
        return [folder / "model.safetensors"]
    if len(files) == 1:
        return files
    if (folder / "adapter_model.safetensors").exists() and not files:
        raise MissingModel(f"{folder}: it holds an adapter, but no model; name the folder of the whole weights")
    got = f"{counted(len(files), 'safetensors file')} without an index" if files else "no safetensors file"
    raise MissingModel(f"{folder}: {got}; expected model.safetensors, or shards with model.safetensors.index.json")


def open_safetensors(path: Path) -> dict[str, Tensor]:
    """The tensors of one safetensors file by name; what isn't float has a ``kind`` outside ``FLOATS``.

    The format: a little-endian 8-byte length, that much JSON with each tensor's ``dtype``, ``shape`` and
    ``data_offsets``, then the data. Raises MissingModel where the file is missing or torn.
    """
    if not path.is_file():
        raise MissingModel(f"{path}: there is no such file{_pickle_beside(path)}")
    # Mapped, so that only the rows which are asked for come into memory.
    data = np.memmap(path, np.uint8, "r") if path.stat().st_size else np.zeros(0, np.uint8)
    try:
        start = 8 + int.from_bytes(data[:8].tobytes(), "little")
        header = json.loads(data[8:start].tobytes())
        header.pop("__metadata__", None)
        entries = {name: _Entry.of(entry) for name, entry in header.items()}
    except (ValueError, AttributeError, KeyError, TypeError, IndexError, RecursionError) as error:
        raise MissingModel(f"{path}: not a safetensors file ({error!r:.80}). Get it again.") from error
    end = start + max((entry.end for entry in entries.values()), default=0)
    if data.size < end:
        raise MissingModel(f"{path}: not a whole safetensors file ({data.size} of {end} bytes). Get it again.")
    return {name: _of_safetensors(path, name, entry, data[start:]) for name, entry in entries.items()}


def _pickle_beside(path: Path) -> str:
    """What to do with a pickle that stands in a safetensors file's place, if one does: reading it may run code."""
    beside = [file.name for file in path.parent.glob("*") if file.suffix in (".bin", ".pt", ".pth")]
    if not beside:
        return ""
    return f"; {beside[0]} is a pickle, which is not opened: save it anew with safe_serialization=True"


@dataclass(frozen=True, slots=True)
class _Entry:
    """What the header of a safetensors file says of one tensor."""

    kind: str
    shape: tuple[int, ...]
    first: int
    end: int

    @classmethod
    def of(cls, entry: Mapping[str, Any]) -> _Entry:
        """The entry, checked. Raises ValueError, KeyError or TypeError where it contradicts itself."""
        kind, shape, (first, end) = entry["dtype"], tuple(entry["shape"]), entry["data_offsets"]
        if not isinstance(kind, str) or any(type(number) is not int or number < 0 for number in (*shape, first, end)):
            raise ValueError("a dtype, shape or data_offsets of another type")
        if end < first or (kind in _BYTES and end - first != math.prod(shape) * _BYTES[kind]):
            raise ValueError("data_offsets that do not fit dtype and shape")
        return cls(kind, shape, first, end)


def _of_safetensors(path: Path, name: str, entry: _Entry, data: NDArray[np.uint8]) -> Tensor:
    kind, shape, first = entry.kind, entry.shape, entry.first
    row = math.prod(shape[1:]) * _BYTES.get(kind, 1)

    def read(start: int, stop: int) -> Matrix:
        rows = data[first + start * row : first + stop * row]
        return matrix(path, name, {"data": rows, "dtype": kind, "shape": (stop - start, *shape[1:]) if shape else ()})

    return Tensor(kind, shape, read)


def matrix(path: Path, name: str, tensor: Mapping[str, Any]) -> Matrix:
    """The bytes ``tensor["data"]`` of a safetensors file as float32 of ``tensor["shape"]``. Raises ConfigError."""
    data, kind = tensor["data"], tensor["dtype"]
    if kind == "BF16":
        # The upper half of a float32, which numpy has no type for.
        values = (np.frombuffer(data, np.dtype("<u2")).astype(np.uint32) << 16).view(np.float32)
    elif kind in ("F16", "F32"):
        values = np.frombuffer(data, np.dtype("<f2" if kind == "F16" else "<f4")).astype(np.float32)
    else:
        raise ConfigError(f"{path}: {name} is of type {kind}, expected BF16, F16 or F32")
    return values.reshape(tensor["shape"])


def _gguf(path: Path) -> Weights:
    if not path.is_file():
        raise MissingModel(f"{path}: there is no such file")
    if find_spec("gguf") is None:
        raise MissingModel(f"{path}: to read it, install gguf: pip install 'pytest-evalkit[gguf]'")
    from gguf import GGUFReader

    try:
        reader = GGUFReader(path)
        layout = Layout.of(reader)
    except (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError, MemoryError) as error:
        raise MissingModel(f"{path}: not a whole GGUF file ({error!r:.80}). Get it again.") from error

    if layout is None:
        raise ConfigError(
            f"{path}: its architecture is {architecture_of(reader)!r}; only for {', '.join(sorted(PERMUTED))} is it "
            "known where the GGUF keeps transformers' rows. Name the merged safetensors folder."
        )
    names = layout.names
    tensors = {
        tensor.name: _of_gguf(path, tensor, layout.turned(tensor.name.rpartition(".")[0])) for tensor in reader.tensors
    }

    def name_here(name: str) -> str:
        return str(names.get_name(name, try_suffixes=(".weight", ".bias")) or name)

    return Weights(path, tensors, {}, name_here)


def _of_gguf(path: Path, tensor: Any, heads: int) -> Tensor:
    """A tensor whose rows are turned back into transformers' order, where ``heads`` is not 0."""
    from gguf.quants import dequantize

    kind, shape = str(tensor.tensor_type.name), tuple(int(size) for size in reversed(tensor.shape))
    if kind not in FLOATS:
        raise ConfigError(
            f"{path}: {tensor.name} is {kind}; what {', '.join(FLOATS)} take can be computed here, what {kind} takes "
            "can't. Check the GGUF or the folder that it was quantized from."
        )
    order = None
    if heads:
        order = np.argsort(permuted(np.arange(shape[0], dtype=np.float32)[:, None], heads)[:, 0])

    def read(start: int, stop: int) -> Matrix:
        picked = tensor.data[start:stop] if order is None else tensor.data[order[start:stop]]
        return np.asarray(dequantize(picked, tensor.tensor_type), np.float32).reshape(stop - start, *shape[1:])

    return Tensor(kind, shape, read)


def rounded(values: NDArray[np.floating[Any]], kind: str) -> Matrix:
    """``values`` as a tensor of type ``kind`` gives them back: rounded to nearest, ties to even; Q8_0 by gguf.

    >>> rounded(np.array([1.0, 1.003, 1.005]), "BF16").tolist()
    [1.0, 1.0, 1.0078125]
    """
    plain = np.ascontiguousarray(values, np.float32)
    if kind == "F16":
        with np.errstate(over="ignore"):  # what f16 can't hold becomes infinite, as it does in a file
            return plain.astype(np.float16).astype(np.float32)
    if kind == "BF16":
        bits = plain.view(np.uint32)
        return ((bits + np.uint32(0x7FFF) + ((bits >> np.uint32(16)) & np.uint32(1))) & np.uint32(0xFFFF0000)).view(
            np.float32
        )
    if kind == "Q8_0":
        from gguf.constants import GGMLQuantizationType
        from gguf.quants import dequantize, quantize

        return np.asarray(dequantize(quantize(plain, GGMLQuantizationType.Q8_0), GGMLQuantizationType.Q8_0), np.float32)
    return plain


def coarsest(tensor: Tensor) -> str:
    """The type whose values ``tensor`` really has: merged in bfloat16 and saved as float32, it is still BF16.

    Judged by a first chunk. Q8_0 stays Q8_0.
    """
    if tensor.kind in ("F32", "F16"):
        values = tensor.rows(*next(tensor.chunks(), (0, 0)))
        for kind in ("BF16", "F16"):
            if np.array_equal(rounded(values, kind), values):
                return kind
    return tensor.kind


def block_of_levels(values: NDArray[np.floating[Any]], before: NDArray[np.floating[Any]]) -> int | None:
    """The block size (128, 64 or 32) in which ``values`` have the few levels of 4-bit weights, or None.

    As 4-bit quantization divides the flattened weight into blocks and each by its largest absolute value, a block
    then has at most 16 levels; those nearer than 1/128 are one, so that rounding to bfloat16 hides nothing. So it
    has to be in nine blocks of ten, and not so in ``before``, of which ``values`` were made.
    """
    for block in (128, 64, 32):
        if _share_of_few(values, block) >= 0.9 and _share_of_few(before, block) < 0.5:
            return block
    return None


def _share_of_few(values: NDArray[np.floating[Any]], block: int) -> float:
    flat = values.ravel()
    blocks = flat[: flat.size // block * block].reshape(-1, block)
    tops = np.abs(blocks).max(axis=1, keepdims=True, initial=0)
    filled = tops[:, 0] > 0
    if not filled.any():
        return 0.0
    steps = np.diff(np.sort(blocks[filled] / tops[filled], axis=1), axis=1)
    return float(np.mean((steps > 2**-7).sum(axis=1) < 16))
