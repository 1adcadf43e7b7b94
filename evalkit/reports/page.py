"""What a report is written on: how wide it is, whether it shows colors, and what does not stand on it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LeftOut:
    """What the written reports of a large run leave out: ``answers`` of the ``of`` in the run called ``run``. The
    ``worst`` of each model on each task are in, and so many names of each list of the header."""

    answers: int
    of: int
    worst: int
    run: str

    @property
    def all(self) -> str:
        """The command that gives every answer."""
        return f"evalkit report {self.run} --format=jsonl"

    @property
    def table(self) -> dict[str, int | str]:
        """The same as a table, with that command."""
        return {"answers": self.answers, "of": self.of, "worst": self.worst, "run": self.run, "all": self.all}

    @property
    def header(self) -> str:
        """The command that gives the header with its lists whole."""
        return f"evalkit report {self.run} --format=json"


@dataclass(frozen=True, slots=True)
class Page:
    """``width`` is in columns. ``details`` asks for every score by tag and for the confusion of every field, not only
    of the primary score. ``left_out`` is set where rows are left out of a large run; a report says so."""

    width: int = 120
    color: bool = False
    details: bool = False
    left_out: LeftOut | None = None


PAGE = Page()
"""A page of which nothing is known: a file."""
