"""scorer = "text": how near a text comes to the reference text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evalkit.errors import ConfigError, MissingModel
from evalkit.scorers import Judgement, Scorer
from evalkit.scorers.number import choice_option, json_type, only_options, share_option, switch_option

METRICS = ("rougeL", "rouge1", "rouge2")

BOTH_EMPTY = (
    "what an empty text scores where none is expected. The task has to choose: there are no words to count in either"
)
"""What ``both_empty`` is, for who has left it out."""


def make_scorer(options: Mapping[str, Any]) -> Scorer:
    """ROUGE's F-measure, in [0, 1]: 2 P R / (P + R) of what two texts share, P of got's words and R of the reference's.

    ``metric``: "rougeL" (default) counts the longest common subsequence of words, "rouge1" words, "rouge2" pairs of
    neighbours. ``stem`` (default true) takes English endings off, so that "rates" is "rate".
    ``both_empty`` (0 to 1, must be given) is what two empty texts score; one empty text beside another scores 0.
    A list of strings is its strings in lines. White space alone is empty. Anything else scores 0.
    Words are runs of a to z and 0 to 9 in any case: the measure is made for English, and it counts words, not truth;
    "rates rise" and "rates do not rise" are near.
    Raises ConfigError on another option or value of it, and when asked about an expected value that is no text, or in
    which the metric has nothing to count; MissingModel where the library ``rouge-score`` is not installed.
    Source: Lin (2004), ROUGE: a package for automatic evaluation of summaries.

    >>> judge = make_scorer({"both_empty": 1})
    >>> judge("The bank raises rates", "The banks raised it")
    Judgement(value=0.75, why='rougeL: precision 0.75, recall 0.75')
    """
    only_options(options, {"metric", "stem", "both_empty"})
    metric = choice_option(options, "metric", METRICS)
    both_empty = share_option(options, "both_empty", BOTH_EMPTY)
    rouge = _rouge(metric, switch_option(options, "stem", True))

    def judge(got: Any, expected: Any) -> Judgement:
        if (plain := without_words(got, expected, both_empty)) is not None:
            return plain
        text, reference = as_text(got), as_text(expected)
        found = rouge.score(reference, text)[metric]
        if not found.fmeasure and not rouge.score(reference, reference)[metric].fmeasure:
            raise ConfigError(f"an example expects {expected!r}, in which {metric} has nothing to count")
        told = f"{metric}: precision {found.precision:.2f}, recall {found.recall:.2f}"
        return Judgement(float(found.fmeasure), "" if found.fmeasure == 1 else told)

    return judge


def _rouge(metric: str, stem: bool) -> Any:
    try:
        # Here and not above: it brings all of nltk, which takes seconds.
        from rouge_score.rouge_scorer import RougeScorer
    except ImportError as error:
        raise MissingModel(f"scorer 'text' needs rouge-score ({error}): pip install 'pytest-evalkit[text]'") from error
    return RougeScorer([metric], use_stemmer=stem)


def without_words(got: Any, expected: Any, both_empty: float) -> Judgement | None:
    """What is settled before two texts are compared: one of them is no text, or empty. None where both have words.

    Raises ConfigError where the expected value is no text.
    """
    reference, text = as_text(expected), as_text(got)
    if reference is None:
        raise ConfigError(f"an example expects {expected!r}, but this scorer is for texts and lists of strings")
    if text is None:
        return Judgement(0.0, f"{json_type(got)}, not text")
    if text and reference:
        return None
    if text or reference:
        return Judgement(0.0, "text where none is expected" if text else "empty where text is expected")
    return Judgement(both_empty, "" if both_empty == 1 else f"both are empty, which scores {both_empty:g} here")


def as_text(value: Any) -> str | None:
    """``value`` as one text, None where it is neither a text nor a list of them (which is its strings in lines)."""
    if isinstance(value, list | tuple) and all(isinstance(item, str) for item in value):
        value = "\n".join(value)
    return value.strip() if isinstance(value, str) else None
