"""What answers cost."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.errors import ConfigError
from evalkit.golden.model import Decoding
from evalkit.models.config import read_config
from evalkit.models.pricing import Price, list_prices, read_price
from evalkit.models.request import Message, Request

PRICE = Price(1.0, 5.0, 0.1, 1.25)


def request(text: str = "What?", max_tokens: int = 100) -> Request:
    return Request("t", "e-1", (Message("user", text),), "", Decoding(max_tokens))


def test_every_kind_of_token_has_its_price() -> None:
    million = dict.fromkeys(("input", "output", "cached", "cache_write"), 1_000_000)
    assert PRICE.of(million) == pytest.approx(1 + 5 + 0.1 + 1.25)
    assert PRICE.of({"input": 1_000_000}) == 1


@given(st.text(), st.integers(1, 500))
def test_what_an_answer_may_cost_is_never_less_than_what_it_costs(text: str, max_tokens: int) -> None:
    """With the most tokens there could be: one for each byte, and as many as the answer may have."""
    read = len(text.encode("utf-8", "replace"))
    for usage in ({"input": read, "output": max_tokens}, {"cache_write": read, "output": max_tokens}):
        assert PRICE.of(usage) <= PRICE.most(request(text, max_tokens))


def test_list_prices_are_dated_and_a_token_out_is_dearer_than_one_in() -> None:
    prices = list_prices()
    assert "anthropic:claude-haiku-4-5" in prices
    for spec, price in prices.items():
        assert re.fullmatch(r"(anthropic|openai):[\w.-]+", spec)
        assert date.fromisoformat(price.dated) <= date.today()
        assert price.cached < price.input <= price.cache_write < price.output


def test_prices_of_pyproject_stand_above_those_of_the_list(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(
        '[tool.evalkit.prices."anthropic:claude-haiku-4-5"]\ninput = 2\noutput = 3.5\n'
        '[tool.evalkit.prices."openai:own"]\ninput = 0\noutput = 0\ndated = 2026-01-02\n'
    )
    prices = read_config(tmp_path).prices
    assert prices["anthropic:claude-haiku-4-5"] == Price(2, 3.5, 0.1, 1.25)
    assert prices["openai:own"] == Price(0, 0, 0, 0, "2026-01-02")
    assert list_prices().keys() < prices.keys()


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        (3, "got 3, expected a table"),
        ({"input": 1}, "no output; state input and output"),
        ({"input": -1, "output": 1}, "input is -1, expected USD per million tokens"),
        ({"input": True, "output": 1}, "input is True"),
        ({"input": 1, "output": 1, "cache": 1}, "unknown key of a price 'cache'"),
        ({"input": 1, "output": 1, "dated": "today"}, "dated is 'today', expected a date"),
    ],
)
def test_a_price_that_cannot_be_is_told_with_its_place(entry: object, said: str) -> None:
    with pytest.raises(ConfigError, match=f"^here: .*{said}"):
        read_price("here", entry)
