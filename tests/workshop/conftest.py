"""The float base, and lessons made of the real golden task."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from evalkit.golden.model import Decoding
from evalkit.models.request import Message, Request
from fixtures.convert import float_base

Pair = tuple[Request, str]


def pair(text: str, answer: object, prefill: str = "") -> Pair:
    """A request with its answer, short enough to be trained on in a test."""
    messages = (Message("system", "Say the mood of the text as JSON."), Message("user", text))
    return Request("moods", text, messages, prefill, Decoding()), json.dumps(answer)


@pytest.fixture(scope="session")
def base() -> Path:
    return float_base()


@pytest.fixture(scope="session")
def tokenizer(base: Path) -> Any:
    from fixtures.train_steps import tokenizer_of

    return tokenizer_of(base)


@pytest.fixture(scope="session")
def pairs() -> list[Pair]:
    texts = ["What a day!", "Rain again, and the bus was late.", "We won.", "They closed the old cinema on my street."]
    moods = ["good", "bad", "good", "bad"]
    return [pair(text, {"mood": mood}) for text, mood in zip(texts, moods, strict=True)]
