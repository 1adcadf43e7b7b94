"""Sessions with a model behind an API: what is paid is kept, no more is spent than was allowed, no key is seen."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from fault_proxy import Proxy, once, proxy
from mini_project import ALL, Project, wait_until
from recorded_wire import recorded_wire

KEY = "sk-proj-not-to-be-seen-anywhere"
LIMIT = 20.5


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with recorded_wire() as url:
        yield url


@pytest.fixture
def suite(suite: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    """The project, with a task of four tokens an answer and a price of one dollar for each of them."""
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    suite.replace("golden/moods/task.toml", "[scores.direction]", "[decoding]\nmax_tokens = 4\n[scores.direction]")
    return suite


def aim(suite: Project, between: Proxy, **options: object) -> None:
    """Lets the alias ``served`` ask through that proxy."""
    given = {"spec": "openai:base", "base_url": f"{between.url}/v1", "key": "OPENAI_API_KEY", **options}
    told = ", ".join(f"{key} = {json.dumps(value)}" for key, value in given.items())
    suite.replace("pyproject.toml", "twin = ", f"served = {{ {told} }}\ntwin = ")
    price = '[tool.evalkit.prices."openai:base"]\ninput = 0\noutput = 1_000_000\n'
    suite.write("pyproject.toml", (suite.root / "pyproject.toml").read_text() + price)


def paid(between: Proxy) -> int:
    return sum(map(len, between.delivered.values()))


def seen_in(root: Path) -> str:
    return "".join(path.read_text(errors="replace") for path in root.rglob("*") if path.is_file())


def test_a_run_that_would_cost_too_much_stops_before_it_does_and_goes_on_where_it_stopped(
    suite: Project, url: str
) -> None:
    with proxy(url) as between:
        aim(suite, between, most=2)
        result = suite.run("suites", "--backend=served", f"--max-cost={LIMIT}")
        first = suite.stored()
        assert result.ret == 1
        result.stdout.fnmatch_lines([f"spent in this session: {4 * len(first)}.0000 USD"])
        result.stdout.fnmatch_lines(["*unasked: --max-cost=20.5 might be passed, *USD are spent*"])
        assert 5 <= len(first) == paid(between) < len(ALL)
        verdict = suite.report()["tasks"][0]["verdicts"][0]
        assert verdict["status"] == "BLOCK"
        [unanswered] = [reason for reason in verdict["reasons"] if reason["code"] == "unanswered"]
        assert len(unanswered["examples"]) == len(ALL) - len(first)

        suite.run("suites", "--backend=served")
        assert sorted(suite.stored()) == sorted(ALL)
        assert set(between.asked.values()) == {1}
    model_run = next(one for one in suite.report()["tasks"][0]["model_runs"] if one["participant"]["name"] == "served")
    cost = model_run["measurements"]["USD per 1,000 calls"]
    assert (cost["value"], cost["n"]) == (4000.0, 12)


def test_a_price_that_nobody_knows_allows_no_limit(suite: Project, url: str) -> None:
    with proxy(url) as between:
        aim(suite, between)
        suite.replace("pyproject.toml", 'openai:base"]', 'openai:other"]')
        result = suite.run("suites", "--backend=served", "--max-cost=1")
        assert result.ret == 4
        said = "*::test_json: openai:base: --max-cost is given, and no price is known for this model.*"
        result.stdout.fnmatch_lines([said])
        assert not between.asked


def test_after_a_kill_nothing_is_paid_again_unless_somebody_says_so(suite: Project, url: str) -> None:
    held = ["stalled"]
    with proxy(url, lambda _: held[0] if len(between.delivered) >= 4 else "") as between:
        aim(suite, between, most=2)
        process = suite.start("suites", "--backend=served")
        wait_until(lambda: len(suite.stored()) >= 4)
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        held[0] = ""
        assert len(suite.stored()) < len(ALL)

        result = suite.run("suites", "--backend=served")
        lost = sorted(set(ALL) - set(suite.stored()))
        in_flight = list((suite.root / ".evalkit" / "under_way").iterdir())
        # One more may be noted: what was stored at the very moment of the kill. It is not asked for any more.
        assert 1 <= len(lost) <= 2
        assert len(lost) <= len(in_flight) <= len(lost) + 1
        assert set(between.asked.values()) == {1}  # no question was asked twice, answered or not
        assert result.ret == 1
        for name in lost:
            result.stdout.fnmatch_lines([f"*{name}: *was under way when an earlier run was killed*under_way*"])

        for place in in_flight:
            place.unlink()
        suite.run("suites", "--backend=served")
        assert sorted(suite.stored()) == sorted(ALL)
    # Each of those lost was asked once more, or for the first time where it was noted and not yet sent.
    assert len(ALL) <= sum(between.asked.values()) <= len(ALL) + len(lost)
    assert not list((suite.root / ".evalkit" / "under_way").iterdir())


def test_what_costs_nothing_is_asked_again_after_a_kill(suite: Project, url: str) -> None:
    held = ["stalled"]
    with proxy(url, lambda _: held[0] if len(between.delivered) >= 4 else "") as between:
        aim(suite, between, most=2, key="")
        suite.replace("pyproject.toml", "output = 1_000_000", "output = 0")
        process = suite.start("suites", "--backend=served")
        wait_until(lambda: len(suite.stored()) >= 4)
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        held[0] = ""
        suite.run("suites", "--backend=served")
    assert sorted(suite.stored()) == sorted(ALL)


@pytest.mark.parametrize("fault", ["", "401", "500", "error in the stream"])
def test_the_key_is_in_no_store_report_log_or_traceback(suite: Project, url: str, fault: str) -> None:
    suite.write("conftest.py", "import logging\n\nlogging.basicConfig(filename='debug.log', level=logging.DEBUG)\n")
    choose = once(fault) if fault != "401" else lambda _: fault
    with proxy(url, choose) as between:
        aim(suite, between)
        result = suite.run_apart("suites", "--backend=served", "-vv", "--tb=long")
        assert any(KEY in value for headers in between.headers for value in headers.values())
    assert bool(suite.stored()) == (fault != "401")
    if fault == "401":
        result.stderr.fnmatch_lines(["*served answered nothing: *told by the proxy: 401*Check OPENAI_API_KEY.*"])
    assert "127.0.0.1" in (suite.root / "debug.log").read_text()  # the SDK does log its requests
    assert KEY not in seen_in(suite.root) + result.stdout.str() + result.stderr.str()


def test_a_key_is_seen_nowhere_however_much_a_run_is_to_tell(suite: Project, url: str) -> None:
    with proxy(url, lambda _: "401") as between:
        aim(suite, between)
        suite.monkeypatch.setenv("OPENAI_LOG", "debug")
        told = ("-vv", "--showlocals", "--debug", "--trace-config", "-rA", "--log-level=DEBUG")
        junit = ("--junitxml=junit.xml", "-o", "junit_logging=all")
        result = suite.run_apart("suites", "--backend=served", *told, *junit)
    assert any(KEY in value for headers in between.headers for value in headers.values())
    (suite.root / "printed").write_text(result.stdout.str() + result.stderr.str(), encoding="utf-8")
    assert KEY not in seen_in(suite.root)
