"""Whatever a server sends is read as the answer that it is, or is one of our errors: by the thousand, with a seed."""

from __future__ import annotations

import json
from dataclasses import asdict
from random import Random
from typing import get_args

import pytest
from campaigns.reply_bodies import READERS, Body, draw
from campaigns.storm import Storm

from evalkit.models.backend import Completion, FinishReason
from evalkit.models.retry import Cut, NotAnAnswer, ServerError, trouble_of


def outcome(body: Body) -> str:
    """What came of ``body``; what may not come fails."""
    found = read(body)
    if isinstance(found, Completion):
        assert isinstance(found.text, str)
        assert found.finish_reason in get_args(FinishReason)
        assert all(type(each) in (int, type(None)) for each in (found.prompt_tokens, found.completion_tokens))
        assert Completion(**json.loads(json.dumps(asdict(found)))) == found
        assert body.harm not in ("cut", "not finished", "no answer")
        assert body.harm == "odd" or found.text == body.text
    elif isinstance(found, str):
        assert body.wire.endswith("result")
    else:
        assert trouble_of(found).kind
        # It is asked again, and no reason to give the model up.
        assert body.harm != "cut" or isinstance(found, Cut)
    return type(found).__name__


def read(body: Body) -> Completion | str | Exception:
    """What the wire's reader makes of ``body``, or the error of ours that it raises."""
    try:
        return body.read()
    except (Cut, NotAnAnswer, ServerError) as error:
        return error


@pytest.mark.storm
def test_bodies_are_read_or_refused(storm: Storm) -> None:
    storm.run(100_000, draw, lambda body: f"{body.harm}: {outcome(body)}", most_each=1)
    assert storm.tried["none: Completion"] > 0.08 * storm.tried.total()


@pytest.mark.parametrize("wire", READERS)
def test_every_body_that_nothing_was_done_to_is_the_answer(wire: str) -> None:
    random = Random(3)
    whole = [body for body in (draw(random) for _ in range(2_000)) if (body.harm, body.wire) == ("none", wire)]
    assert len(whole) > 10
    assert all(body.read().text == body.text for body in whole)  # type: ignore[union-attr]
