"""Multinomial logistic regression with a penalty on the squares of its weights, by L-BFGS.

What is minimised is the mean of -log p(class of a row) plus |weights|² / (2 n C), for n rows; the intercepts are free
of the penalty. It is convex, so that there is one minimum, and it is what scikit-learn's LogisticRegression minimises.

L-BFGS is Nocedal's (J. Nocedal and S. Wright, Numerical Optimization, 2nd edition, 2006, algorithm 7.4), begun with the
diagonal of the Hessian where every row's probabilities are the shares of the classes. Written here because importing
scipy.optimize takes longer than all that is computed with it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from evalkit.models.bag_of_words.vectors import Array, Rows

_MEMORY = 6
"""How many steps are remembered."""

_DECREASE = 1e-4
"""A step must win this share of what the slope promises (Armijo's rule)."""

_SHORTEST = 1e-10


@dataclass(frozen=True, slots=True, eq=False)
class LogisticModel:
    """``weights`` of shape (terms, classes), ``intercepts`` of shape (classes,)."""

    weights: Array
    intercepts: Array

    def log_probabilities(self, rows: Rows) -> Array:
        """Of shape (texts, classes)."""
        return log_softmax(rows @ self.weights + self.intercepts)


def fit(
    rows: Rows, labels: Array, strength: float, tolerance: float, start: LogisticModel | None = None
) -> LogisticModel:
    """The model of ``rows`` with classes ``labels`` (a 1 in each row, at its class; every class has a row), penalised
    by C = ``strength``. It ends where no slope is steeper than ``tolerance``."""
    (count, width), classes = rows.shape, labels.shape[1]
    penalty = 1 / (strength * count)
    columns = rows.T.tocsr()

    def loss(point: Array) -> tuple[float, Array]:
        table = point.reshape(width + 1, classes)
        logs = log_softmax(rows @ table[:-1] + table[-1])
        residuals = (np.exp(logs) - labels) / count
        slopes = np.empty_like(table)
        slopes[:-1] = columns @ residuals + penalty * table[:-1]
        slopes[-1] = residuals.sum(axis=0)
        value = penalty / 2 * float(np.square(table[:-1]).sum()) - float((logs * labels).sum()) / count
        return value, slopes.ravel()

    shares = labels.mean(axis=0)
    squares = np.bincount(rows.indices, weights=np.square(rows.data), minlength=width) / count
    curvature = np.empty((width + 1, classes))
    curvature[:-1] = np.outer(squares, shares * (1 - shares)) + penalty
    curvature[-1] = shares * (1 - shares)
    begin = np.zeros((width + 1, classes))
    if start is not None:
        begin[:-1], begin[-1] = start.weights, start.intercepts
    table = _minimum(loss, begin.ravel(), curvature.ravel(), tolerance).reshape(width + 1, classes)
    return LogisticModel(table[:-1], table[-1])


def log_softmax(scores: Array) -> Array:
    """The logarithms of the probabilities of classes, row by row.

    >>> np.exp(log_softmax(np.array([[0.0, 0.0]]))).tolist()
    [[0.5, 0.5]]
    """
    shifted = scores - scores.max(axis=1, keepdims=True)
    shifted -= np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return np.asarray(shifted, dtype=np.float64)


def _minimum(
    loss: Callable[[Array], tuple[float, Array]], point: Array, curvature: Array, tolerance: float, most: int = 500
) -> Array:
    """Where ``loss`` (its value and its slopes) is least, sought from ``point`` in ``most`` steps at most."""
    value, slopes = loss(point)
    steps: deque[tuple[Array, Array, float]] = deque(maxlen=_MEMORY)
    for _ in range(most):
        if np.abs(slopes).max() <= tolerance:
            break
        direction = _direction(slopes, curvature, steps)
        promised, length = _dot(slopes, direction), 1.0
        while True:
            reached, new_slopes = loss(point + length * direction)
            if reached <= value + _DECREASE * length * promised:
                break
            length /= 2
            if length < _SHORTEST:
                return point  # as low as floating-point numbers tell
        step, bend = length * direction, new_slopes - slopes
        if (along := _dot(step, bend)) > 0:
            steps.append((step, bend, along))
        point, value, slopes = point + step, reached, new_slopes
    return point


def _direction(slopes: Array, curvature: Array, steps: deque[tuple[Array, Array, float]]) -> Array:
    """Downhill, by what the ``steps`` before told of the curvature."""
    left, shares = slopes.copy(), []
    for step, bend, along in reversed(steps):
        share = _dot(step, left) / along
        left -= share * bend
        shares.append(share)
    left /= curvature
    if steps:
        _, bend, along = steps[-1]
        left *= along / _dot(bend, bend / curvature)
    for (step, bend, along), share in zip(steps, reversed(shares), strict=True):
        left += (share - _dot(bend, left) / along) * step
    return -left


def _dot(one: Array, other: Array) -> float:
    """Not by BLAS, whose threads add in another order on another machine."""
    return float((one * other).sum())
