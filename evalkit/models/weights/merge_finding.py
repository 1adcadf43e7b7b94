"""What a merge check found, in words, and how layers are spelled in them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise


@dataclass(frozen=True, slots=True)
class MergeFinding:
    """One named outcome in one plain sentence, and the layers or tensors that it concerns."""

    outcome: str
    sentence: str
    layers: tuple[str, ...] = ()


def compact(names: Iterable[str]) -> str:
    """Names that differ in the number of their layer as one, without ``model.`` and ``.weight``.

    >>> compact([f"model.layers.{n}.mlp.{side}_proj" for n in (0, 1, 3) for side in ("up", "down")] + ["lm_head"])
    'mlp.up_proj and mlp.down_proj of layers 0-1 and 3; lm_head'
    """
    groups: dict[str, list[int]] = {}
    for name in names:
        short = name.removeprefix("model.").removesuffix(".weight")
        match = re.fullmatch(r"(?:.*\.)?layers\.(\d+)\.(.+)", short)
        numbers = groups.setdefault(match[2] if match else short, [])
        if match:
            numbers.append(int(match[1]))
    shared: dict[tuple[int, ...], list[str]] = {}
    for name, numbers in groups.items():
        shared.setdefault(tuple(sorted(numbers)), []).append(name)
    return "; ".join(_and(names) + (_runs(layers) if layers else "") for layers, names in shared.items())


def _and(words: Sequence[str]) -> str:
    return f"{', '.join(words[:-1])} and {words[-1]}" if words[1:] else words[0]


def _runs(numbers: Sequence[int]) -> str:
    starts = [numbers[0], *(b for a, b in pairwise(numbers) if b != a + 1)]
    ends = [*(a for a, b in pairwise(numbers) if b != a + 1), numbers[-1]]
    runs = [str(a) if a == b else f"{a}-{b}" for a, b in zip(starts, ends, strict=True)]
    return f" of layer{'s' if len(numbers) > 1 else ''} {_and(runs)}"
