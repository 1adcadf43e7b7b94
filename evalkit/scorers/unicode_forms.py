"""Forms of Unicode: one text can be written in several, an accent within its letter (NFC) or behind it (NFD).

Scorers that compare texts take ``normalize = "NFC"``, which makes these one, or ``"NFKC"``, which also makes one of a
ligature and its letters, of a full-width and a plain letter, of a no-break and a plain space (UAX #15). Without it
texts are compared as they are written, and two that differ in such a way only are told so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from unicodedata import category, normalize

from evalkit.scorers.options import choice_option

FORMS = ("NFC", "NFKC")

Fold = Callable[[str], str]

_QUOTES_AND_DASHES = str.maketrans(
    {**dict.fromkeys("‘’‚‛′", "'"), **dict.fromkeys("“”„‟″«»", '"'), **dict.fromkeys("‐‑‒–—―−", "-")}
)


def form_option(options: Mapping[str, Any]) -> Fold:
    """What brings a text into the form that ``options`` has for ``normalize``; leaves it as it is where there is none.

    Raises ConfigError.

    >>> form_option({"normalize": "NFC"})("e\\u0301") == "\\u00e9", form_option({})("e\\u0301") == "\\u00e9"
    (True, False)
    """
    if "normalize" not in options:
        return lambda text: text
    form = choice_option(options, "normalize", FORMS)
    return _nfc if form == "NFC" else _nfkc


def _nfc(text: str) -> str:
    return normalize("NFC", text)


def _nfkc(text: str) -> str:
    return normalize("NFKC", text)


def _plain(text: str) -> str:
    return _nfkc(text.translate(_QUOTES_AND_DASHES))


def _visible(text: str) -> str:
    return "".join(sign for sign in _plain(text) if category(sign) != "Cf")


DIFFERENCES: Mapping[str, Fold] = {
    'differs in Unicode form only (normalize = "NFC")': _nfc,
    'differs in Unicode form only (normalize = "NFKC")': _nfkc,
    "differs in the form of quotes or dashes only": _plain,
    "differs in characters that nobody sees only": _visible,
}
"""How two texts may differ that look alike: what to say of it, and what makes them equal; the least first."""


def only_difference(same: Callable[[Fold], bool]) -> str:
    """What to say of two values that are the ``same`` once their texts are folded; empty where they differ in more.

    >>> only_difference(lambda fold: fold("Andre\\u0301") == fold("Andr\\u00e9"))
    'differs in Unicode form only (normalize = "NFC")'
    """
    return next((what for what, fold in DIFFERENCES.items() if same(fold)), "")


def folded(value: Any, fold: Fold) -> Any:
    """A JSON value with its texts folded, those inside arrays and objects too; keys stay as they are.

    >>> folded({"a": ["B", 1]}, str.lower)
    {'a': ['b', 1]}
    """
    if isinstance(value, str):
        return fold(value)
    if isinstance(value, Mapping):
        return {key: folded(inner, fold) for key, inner in value.items()}
    return [folded(inner, fold) for inner in value] if isinstance(value, list | tuple) else value
