"""No more is spent than was allowed, and what was spent is counted once."""

from __future__ import annotations

from contextlib import suppress
from threading import Event, Thread

import pytest

from evalkit.errors import ConfigError, NotAnswered, Unasked
from evalkit.golden.model import Decoding
from evalkit.models.budget import Budget
from evalkit.models.pricing import Price
from evalkit.models.request import Message, Request

PRICE = Price(1.0, 5.0, 0.1, 1.25)


def request() -> Request:
    return Request("t", "e-1", (Message("user", "What?"),), "", Decoding(100))


def test_a_limit_needs_a_price() -> None:
    with pytest.raises(ConfigError, match=r'no price is known.*\[tool.evalkit.prices."openai:x"\]'):
        Budget(limit=1.0).price("openai:x")
    assert Budget().price("openai:x") is None


def test_what_might_be_passed_is_not_asked_and_what_was_paid_is_counted_once() -> None:
    most = PRICE.most(request())
    budget = Budget(limit=2.5 * most)
    budget.reserve(request(), most, Event())
    budget.settle(most, PRICE, {"input": 5, "output": 10})
    assert budget.spent == PRICE.of({"input": 5, "output": 10})
    budget.reserve(request(), most, Event())
    budget.release(most)  # refused by the server
    budget.reserve(request(), most, Event())
    budget.write_off(most)  # cut: nobody knows what it cost, so the most is kept back
    budget.reserve(request(), most, Event())
    budget.settle(most, PRICE, None)
    with pytest.raises(Unasked, match=r"e-1: unasked: --max-cost=.* might be passed, 0\.0001 USD are spent"):
        budget.reserve(request(), most, Event())
    assert budget.describe() == "spent in this session: 0.0001 USD, and 2 answers whose cost is not known"


def test_what_others_hold_is_waited_for_and_not_given_up() -> None:
    """What is under way costs less than it might: who came while it was held back is asked after all."""
    most = PRICE.most(request())
    budget, asked = Budget(limit=10.5 * most), []

    def ask() -> None:
        with suppress(Unasked):
            for _ in range(20):
                budget.reserve(request(), most, Event())
                asked.append(1)
                budget.settle(most, PRICE, {"output": 10})

    threads = [Thread(target=ask) for _ in range(30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert budget.spent <= budget.limit
    assert budget.spent == pytest.approx(len(asked) * PRICE.of({"output": 10}))
    # The last is refused only where the limit might really be passed.
    assert len(asked) == 600 or budget.spent + most > budget.limit


def test_who_waits_for_others_stops_when_told() -> None:
    budget, stopped = Budget(limit=1.0), Event()
    budget.reserve(request(), 0.6, stopped)
    stopped.set()
    with pytest.raises(NotAnswered, match="stopped"):
        budget.reserve(request(), 0.6, stopped)


@pytest.mark.parametrize("limit", [-1.0, float("nan"), float("inf")])
def test_a_limit_that_is_none_is_refused(limit: float) -> None:
    with pytest.raises(ConfigError, match="expected US dollars"):
        Budget(limit=limit)


def test_nothing_bought_is_nothing_told() -> None:
    assert Budget().describe() == ""


def test_one_answer_of_unknown_cost_is_told_as_one() -> None:
    budget = Budget()
    budget.reserve(request(), 0.5, Event())
    budget.write_off(0.5)
    assert budget.describe() == "spent in this session: 0.0000 USD, and 1 answer whose cost is not known"
