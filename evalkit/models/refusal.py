"""How a model declines in words."""

from __future__ import annotations

import re

DECLINES = re.compile(
    r"""[\s{"'*]*
        (?:(?:i['’]?m\s|i\sam\s)?(?:very\s|so\s|really\s)?(?:sorry|apologi[sz]e|unfortunately|as\san\sai)\b[^{}]{0,120}?
          |i\sapologi[sz]e\b[^{}]{0,120}?)?
        \bi(?:['’]m|\sam)?\s
        (?:can(?:['’]?t|not|\snot)|won['’]?t|will\snot|unable\sto|not\s(?:able|allowed)\sto|must\sdecline
          |do(?:n['’]?t|\snot)\shave\s(?:access|the\sability))\b""",
    re.VERBOSE | re.IGNORECASE,
)
"""Matches the beginning of a text that declines."""
