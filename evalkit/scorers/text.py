"""scorer = "text": how near a text comes to the reference text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evalkit.errors import ConfigError, MissingModel
from evalkit.scorers.options import choice_option, reject_unknown, share_option, switch_option
from evalkit.scorers.score import Judgement, Scorer, ValueKind
from evalkit.scorers.texts import BOTH_EMPTY, as_text, without_words
from evalkit.scorers.unicode_forms import folded, form_option, only_difference

KIND: ValueKind = "text"
GRADED = True

METRICS = ("rougeL", "rouge1", "rouge2")


def make_scorer(options: Mapping[str, Any]) -> Scorer:
    """ROUGE's F-measure, in [0, 1]: 2 P R / (P + R) of what two texts share, P of got's words and R of the reference's.

    ``metric``: "rougeL" (default) counts the longest common subsequence of words, "rouge1" words, "rouge2" pairs of
    neighbours. ``stem`` (default true) takes English endings off, so that "rates" is "rate".
    ``both_empty`` (0 to 1, must be given) is what two empty texts score; one empty text beside another scores 0.
    ``normalize`` ("NFC" or "NFKC") brings both into that form of Unicode first: an accent behind its letter leaves the
    letter a part of its word, one within it does not.
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
    reject_unknown(options, {"metric", "stem", "both_empty", "normalize"})
    metric = choice_option(options, "metric", METRICS)
    both_empty = share_option(options, "both_empty", BOTH_EMPTY)
    form = form_option(options)
    rouge = _rouge(metric, switch_option(options, "stem", True))

    def judge(got: Any, expected: Any) -> Judgement:
        if (plain := without_words(got, expected, both_empty)) is not None:
            return plain
        text, reference = (str(as_text(folded(value, form))) for value in (got, expected))
        rouge_score = rouge.score(reference, text)[metric]
        if not rouge_score.fmeasure and not rouge.score(reference, reference)[metric].fmeasure:
            raise ConfigError(f"an example expects {expected!r}, in which {metric} has nothing to count")
        why = f"{metric}: precision {rouge_score.precision:.2f}, recall {rouge_score.recall:.2f}"
        if rouge_score.fmeasure == 1:
            return Judgement(1.0)
        only = only_difference(lambda fold: fold(text) == fold(reference))
        return Judgement(float(rouge_score.fmeasure), f"{why}; {only}" if only else why)

    return judge


def _rouge(metric: str, stem: bool) -> Any:
    try:
        # Here and not above: it brings all of nltk, which takes seconds.
        from rouge_score.rouge_scorer import RougeScorer
    except ImportError as error:
        raise MissingModel(f"scorer 'text' needs rouge-score ({error}): pip install 'pytest-evalkit[text]'") from error
    return RougeScorer([metric], use_stemmer=stem)
