"""What an adapter makes of one tensor of its base, computed by rows: LoRA, DoRA, saved copies, tokens of their own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from evalkit.models.weights.tensors import Tensor

Floats = NDArray[np.float64]

Change = Callable[[Tensor], Tensor]
"""What PEFT does to a tensor when it merges an adapter into it."""


@dataclass(frozen=True, slots=True)
class Mistake:
    """A merge as it is often done wrong: the state that a layer is in then, how much of U it holds, its weights."""

    state: str
    share: float
    weights: Callable[[], Tensor]


@dataclass(frozen=True, slots=True)
class Expected:
    """What a tensor of the merged model has to be: ``change`` of ``start``, which is the base's or a saved copy's.

    ``by`` is what changes it: lora, dora, copy (saved whole) or tokens (saved rows). ``rank`` is None without a
    LoRA, ``vectors`` the number of lengths of a DoRA. ``mistakes`` are those that no share of U shows.
    """

    label: str
    by: str
    start: Tensor
    change: Change
    rank: int | None = None
    vectors: int = 0
    mistakes: tuple[Mistake, ...] = ()

    def whole(self) -> Tensor:
        return self.change(self.start)


@dataclass(frozen=True, slots=True)
class LowRank:
    """What LoRA adds to a tensor, ``scale * b @ a``; with DoRA, also the length that each of its vectors then gets.

    ``magnitude`` is those lengths: of the rows, or ``by_column`` of the columns, where the tensor is (in, out) as
    embeddings and GPT-2's layers are.
    """

    b: Floats
    a: Floats
    scale: float
    magnitude: Floats | None = None
    by_column: bool = False

    def on(self, tensor: Tensor) -> Tensor:
        """``tensor`` with this merged in, as PEFT merges it."""
        added = computed(
            tensor.shape, lambda start, stop: tensor.rows(start, stop) + self.scale * (self.b[start:stop] @ self.a)
        )
        return added if self.magnitude is None else self._stretched(added, self.magnitude)

    def _stretched(self, added: Tensor, lengths: Floats) -> Tensor:
        if self.by_column:
            squares = sum((added.rows(*run) ** 2).sum(axis=0) for run in added.chunks())
            factors = _factors(lengths, squares)
            return computed(added.shape, lambda start, stop: added.rows(start, stop) * factors)

        def read(start: int, stop: int) -> Floats:
            rows = added.rows(start, stop)
            return rows * _factors(lengths[start:stop], (rows**2).sum(axis=1))[:, None]

        return computed(added.shape, read)

    def mistakes(self, start: Tensor, scales: Sequence[float]) -> tuple[Mistake, ...]:
        """The wrong merges of a DoRA, which is no multiple of its update: ``scales`` are the mistaken ones."""
        if self.magnitude is None:
            return ()
        scaled = (
            Mistake("scaled", scale / self.scale, lambda scale=scale: replace(self, scale=scale).on(start))  # type: ignore[misc]
            for scale in scales
            if self.scale and scale != self.scale
        )
        return (
            Mistake("plain", 1.0, lambda: replace(self, magnitude=None).on(start)),
            Mistake("twice", 2.0, lambda: self.on(self.on(start))),
            *scaled,
        )


def _factors(lengths: Floats, squares: Floats) -> Floats:
    return np.divide(lengths, np.sqrt(squares), out=np.zeros_like(lengths), where=squares > 0)


def computed(shape: tuple[int, ...], read: Callable[[int, int], NDArray[np.floating]]) -> Tensor:
    """A tensor whose rows ``read`` works out."""
    return Tensor("F64", shape, lambda start, stop: np.asarray(read(start, stop), np.float64))


def padded(tensor: Tensor | None, shape: tuple[int, ...]) -> Tensor:
    """``tensor`` in ``shape``: 0 in the rows that it lacks, as a base lacks those of tokens that were added to it."""

    def read(start: int, stop: int) -> Floats:
        rows = np.zeros((stop - start, *shape[1:]))
        if tensor is not None and start < tensor.shape[0]:
            kept = tensor.rows(start, min(stop, tensor.shape[0]))
            rows[: len(kept)] = kept
        return rows

    return tensor if tensor is not None and tensor.shape == shape else computed(shape, read)


def with_rows(tensor: Tensor, places: Sequence[int], rows: Floats) -> Tensor:
    """``tensor`` with ``rows`` in the places of its own."""

    def read(start: int, stop: int) -> Floats:
        made = tensor.rows(start, stop).astype(np.float64)
        for place, row in zip(places, rows, strict=True):
            if start <= place < stop:
                made[place - start] = row
        return made

    return computed(tensor.shape, read)


def same(a: Tensor, b: Tensor) -> bool:
    """Whether two tensors are one, the last digits aside."""
    return a.shape == b.shape and all(
        np.allclose(a.rows(*run), b.rows(*run), rtol=1e-6, atol=1e-9) for run in a.chunks()
    )
