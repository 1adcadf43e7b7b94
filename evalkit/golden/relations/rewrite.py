"""Writes a text by a rule: ``rules = [["^Will (.+?) (rise|fall)", "Is it true that \\\\1 will \\\\2"]]``.

Regular expressions of Python, from a fixed list: the first that is found somewhere is applied, once. For paraphrases,
and with ``negates`` for a question that is put in the negative. One that takes more than
two seconds on a text is refused.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from evalkit._internal.patterns import replaced
from evalkit.errors import ConfigError
from evalkit.golden.relations.options import pairs, reject_unknown
from evalkit.golden.relations.transform import TextTransform


def make_relation(options: Mapping[str, Any]) -> TextTransform:
    r"""The text after the first of ``rules`` that applies. Raises ConfigError for a rule that is no regular expression.

    >>> make_relation({"rules": [[r"^Will (\w+) ", r"Will \1 not "]]})("Will inflation fall?")
    'Will inflation not fall?'
    """
    reject_unknown(options, ("rules",))
    rules = [_rule(*pair) for pair in pairs(options, "rules")]

    def change(text: str) -> str:
        for pattern, other in rules:
            if (changed := replaced(pattern, other, text)) is not None:
                return changed
        return text

    return change


def _rule(pattern: str, other: str) -> tuple[str, str]:
    try:
        re.compile(pattern)
        # Groups that the pattern lacks are found by expanding the template, for which a match is needed.
        re.compile(f"{pattern}|").sub(other, "", count=1)
    except (re.error, IndexError) as error:
        raise ConfigError(f"rules: {[pattern, other]!r} can't be used: {error}") from error
    return pattern, other
