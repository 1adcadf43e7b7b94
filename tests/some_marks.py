"""Marks of reasoning for tests: of those that differ in their words only, one."""

from __future__ import annotations

import re

from evalkit.models.reasoning import MARKS, Mark


def shape(mark: Mark) -> str:
    """How a mark is spelled, whatever its words are."""
    return re.sub(r"[A-Za-z_:-]+", "a", mark.opens)


SOME_MARKS = tuple({(shape(mark), mark.alone): mark for mark in reversed(MARKS)}.values())
