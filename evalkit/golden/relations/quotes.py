"""Exchanges straight quotation marks and apostrophes for curly ones, and curly ones for straight."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from evalkit.golden.relations.options import reject_unknown
from evalkit.golden.relations.transform import TextTransform

_STRAIGHT = str.maketrans({"“": '"', "”": '"', "‘": "'", "’": "'"})


def make_relation(options: Mapping[str, Any]) -> TextTransform:
    """The text with the other kind of quotation marks. There are no options.

    >>> make_relation({})('The Fed\\'s "cut"'), make_relation({})("The Fed’s “cut”")
    ('The Fed’s “cut”', 'The Fed\\'s "cut"')
    """
    reject_unknown(options)

    def change(text: str) -> str:
        straight = text.translate(_STRAIGHT)
        return straight if straight != text else re.sub(r'"([^"]*)"', r"“\1”", text).replace("'", "’")

    return change
