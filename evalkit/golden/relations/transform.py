"""What a relation is: a change of a text after which it is known, without a label, what must become of the answer.

A relation is one file of this folder, or an entry point in the group ``evalkit.relations``; its name is what task.toml
says: ``relations/swap.py`` is ``relation = "swap"``. The file has one function

    def make_relation(options) -> TextTransform

which checks the options of ``[relations.<name>]`` once (ConfigError) and returns a pure function of a text: the text as
it is after the change, or as it was where there is nothing to change.

The keys ``relation``, ``input``, ``negates``, ``follows``, ``free`` and ``most`` of ``[relations.<name>]`` are the
task's, and no option of any relation: which fields of an input are changed, and what is expected of the answer.

Source: T. Y. Chen, S. C. Cheung and S. M. Yiu (1998), Metamorphic testing, HKUST-CS98-01.
"""

from __future__ import annotations

from typing import Protocol


class TextTransform(Protocol):
    """A change of a text: what a relation's ``make_relation`` returns."""

    def __call__(self, text: str, /) -> str:
        """The text after the change; the same text where there is nothing to change."""
        ...
