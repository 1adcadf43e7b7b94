"""The floors: backends that answer without reading, and stand beside every model of a run.

In: the task, and what its splits expect. Out: backends like any other, which cost nothing; `constant` makes one of
a user's own.
"""

from __future__ import annotations

FLOORS = ("empty", "majority", "words", "error", "oracle")
"""The backends that stand beside every model, whether asked for or not."""
