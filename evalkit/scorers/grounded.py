"""scorer = "grounded": right where it names nothing of a vocabulary that the input does not mention.

A small model that was taught a vocabulary says its words unasked: "updates records", therefore "Salesforce".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from evalkit.errors import ConfigError
from evalkit.scorers.options import reject_unknown
from evalkit.scorers.score import InputScorer, Judgement, ValueKind
from evalkit.scorers.unicode_forms import Fold, form_option, only_difference
from evalkit.scorers.values import json_type

KIND: ValueKind = "set"


def make_input_scorer(options: Mapping[str, Any]) -> InputScorer:
    """Right where every term that got names is mentioned in the example's input, or named by the expected value.

    ``vocabulary`` (must be given): each term with the words that mention it in an input; the term itself always does.
    Got names a term by the term itself, so another spelling to be watched for is a term of its own.
    Terms and words are whole words, in any case; with ``normalize`` ("NFC" or "NFKC") in any form of Unicode that this
    makes one. A ``*`` at the end stands for any further letters and digits; a space
    is as good as a hyphen or an underscore.
    Got and expected are a text, or a list or object, of which all texts and keys are read; so are the input's values.
    Null, a number, a boolean, and a list that holds nothing else, are no text and score 0.
    Raises ConfigError on another option or value of it, and when asked about an expected value that is no text.

    An answer that names none is grounded, and so is the emptiest: this score says that nothing was made up, and never
    that anything is good. It stands beside a score that asks for the right answer, such as ``exact``.

    >>> judge = make_input_scorer({"vocabulary": {"Salesforce": ["sfdc"], "ServiceNow": ["service now"]}})
    >>> judge("Salesforce", "", {"text": "Update the record in SFDC."})
    Judgement(value=1.0, why='')
    >>> judge(["Update records in Salesforce"], [], {"text": "Update the records."})
    Judgement(value=0.0, why="names 'Salesforce', which the input does not mention")
    """
    reject_unknown(options, {"vocabulary", "normalize"})
    form = form_option(options)
    vocabulary = {form(term): [*map(form, words)] for term, words in _vocabulary(options).items()}
    named = {term: _pattern([term]) for term in vocabulary}
    mentioned = {term: _pattern([term, *words]) for term, words in vocabulary.items()}

    def judge(got: Any, expected: Any, given: Mapping[str, Any]) -> Judgement:
        wanted, text = _text(expected, form), _text(got, form)
        if wanted is None:
            raise ConfigError(
                f"an example expects {expected!r}, but this scorer is for texts: choose 'exact' for the field"
            )
        if text is None:
            return Judgement(0.0, f"{json_type(got)}, not text")
        source = _joined((piece for value in given.values() for piece in _texts(value)), form)
        made_up = [
            term
            for term, pattern in named.items()
            if pattern.search(text) and not pattern.search(wanted) and not mentioned[term].search(source)
        ]
        if not made_up:
            return Judgement(1.0)
        only = only_difference(lambda fold: all(_folded_in(source, [t, *vocabulary[t]], fold) for t in made_up))
        why = f"names {', '.join(map(repr, made_up))}, which the input does not mention"
        return Judgement(0.0, f"{why}; what it mentions {only}" if only else why)

    return judge


def _folded_in(source: str, words: Iterable[str], fold: Fold) -> bool:
    return _pattern(map(fold, words)).search(fold(source)) is not None


def _vocabulary(options: Mapping[str, Any]) -> Mapping[str, list[str]]:
    form = 'a table of lists of words, such as {"Salesforce" = ["sfdc"]}'
    table = options.get("vocabulary")
    if not isinstance(table, Mapping) or not table:
        got = repr(table) if "vocabulary" in options else "missing"
        raise ConfigError(f"option 'vocabulary' is {got}, expected {form}")
    for term, words in table.items():
        if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
            raise ConfigError(f"option 'vocabulary' has {words!r} for {term!r}, expected {form}")
        for word in (term, *words):
            if not any(map(str.isalnum, word)):
                raise ConfigError(f"option 'vocabulary' has {word!r} for {term!r}, which holds no letter or digit")
    return table


def _pattern(words: Iterable[str]) -> re.Pattern[str]:
    """Finds any of ``words`` in casefolded text, none of them as a part of a longer word."""
    return re.compile(rf"(?<![^\W_])(?:{'|'.join(map(_spelled, words))})(?![^\W_])")


def _spelled(word: str) -> str:
    parts = re.split(r"[\s_-]+", word.casefold().strip().removesuffix("*"))
    return r"[\s_-]+".join(map(re.escape, parts)) + (r"[^\W_]*" if word.strip().endswith("*") else "")


def _text(value: Any, form: Fold) -> str | None:
    """All the text of ``value``, casefolded; None where it is none, or holds other things alone."""
    if not isinstance(value, str | list | tuple | Mapping):
        return None
    texts = list(_texts(value))
    return _joined(texts, form) if texts or not value else None


def _joined(texts: Iterable[str], form: Fold) -> str:
    return form("\0".join(texts).casefold())  # by what stands between no two words of a term


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield key
            yield from _texts(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _texts(inner)
