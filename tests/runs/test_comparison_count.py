"""How many comparisons a run made: what is declared, what was only asked for, rivals and slices."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalkit.reports.notes import notes

if TYPE_CHECKING:
    from conftest import MiniProject


def test_comparisons_are_counted_by_what_they_are_about(project: MiniProject) -> None:
    project.answers("tuned", project.right())
    project.answers("base", dict.fromkeys(project.right(), "prose"))
    judged = project.asked(("tuned",), ("base",)).judged("mood")
    groups = {item.of: item for item in judged.corrections}
    assert (groups["wins"].about, groups["wins"].made, groups["wins"].found) == (
        "tuned",
        2,
        2,
    )  # over base and majority
    assert groups["rival"].made == len(judged.rivals[0].fields)
    made = sum(item.made for item in judged.corrections)
    assert any(line.startswith(f"{made} comparisons, ") for line in notes(judged))
