"""Sessions with several rivals: the table that puts them side by side, latency and cost, and what is the right pick."""

from __future__ import annotations

from statistics import fmean

import pytest
from mini_project import ALL, IDS, SHIPS, SUITE, Project

LOCAL = "served = { spec = 'clerk:three', cost_per_hour = 1.8 }\n"


@pytest.fixture
def suite(suite: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.setenv("CLERK_SECONDS", "0.01")
    suite.write("suites/test_moods.py", SUITE + SHIPS)
    return suite


def measurements(suite: Project, name: str) -> dict[str, dict[str, float]]:
    (task,) = suite.report()["tasks"]
    return next(run["measurements"] for run in task["model_runs"] if run["participant"]["name"] == name)


def test_two_rivals_stand_in_one_table_with_what_each_difference_says(suite: Project) -> None:
    result = suite.run("suites", "--backend=good", "--against=bad", "--against=twin")
    result.stdout.fnmatch_lines(
        [
            "good beside its rivals: *in brackets by how many points good is better*",
            "*good*bad*twin*",
            "*strict *100.0 *91.7 (+8.3 *, open)*100.0 (+0.0 *",
            "*direction ?*91.7 *8.3 (+83.3 *, better)*91.7 (+0.0 *",
            "good is the right pick over bad: direction decides (+83.3 points, 95 % +*).*",
            "Neither good nor twin is shown to be the right pick: 12 examples can't tell them apart on direction*",
        ]
    )
    written = (suite.root / "reports" / "latest.md").read_text()
    assert "| direction \\* | 91.7" in written
    assert "good is the right pick over bad" in written


def test_one_rival_without_a_price_needs_no_second_table(suite: Project) -> None:
    result = suite.run("suites", "--backend=good", "--against=bad")
    result.stdout.no_fnmatch_line("*beside its rivals*")


def test_latency_is_found_by_asking_again_one_by_one_and_never_from_the_store(suite: Project) -> None:
    suite.run("suites", "--backend=clerk")
    assert set(suite.asked().values()) == {1}
    assert sorted(suite.asked()) == sorted(ALL)
    suite.run("suites", "--backend=clerk", "--against=good", "--latency=5")
    asked_again = [name for name, count in suite.asked().items() if count == 2]
    assert len(asked_again) == 6  # five, and one that makes it warm
    assert set(asked_again) <= set(IDS)
    assert measurements(suite, "clerk")["latency p50 (s)"]["n"] == 5
    assert measurements(suite, "clerk")["latency p50 (s)"]["value"] >= 0.01
    assert "latency p50 (s)" not in measurements(suite, "good")  # recorded answers take no time of their own
    # The next session shows no latency of another time.
    suite.run("suites", "--backend=clerk")
    assert "latency p50 (s)" not in measurements(suite, "clerk")


def test_a_machine_that_is_paid_by_the_hour_has_a_cost_and_a_break_even(suite: Project) -> None:
    suite.replace("pyproject.toml", "clerk = ", f"{LOCAL}clerk = ")
    result = suite.run("suites", "--backend=served", "--against=clerk", "--latency=4")
    (served,) = [one for one in suite.report()["tasks"][0]["model_runs"] if one["participant"]["name"] == "served"]
    seconds = fmean(served["participant"]["probe"]["seconds"])
    cost = measurements(suite, "served")["USD per 1,000 calls"]
    assert cost["low"] <= cost["value"] <= cost["high"]
    assert cost["value"] == pytest.approx(1000 * 1.8 / 3600 * seconds)
    assert "USD per 1,000 calls" not in measurements(suite, "clerk")
    result.stdout.fnmatch_lines(
        ["*What 1,000 calls of clerk cost is not known: state its price, or cost_per_hour and run --latency.*"]
    )


def test_the_probe_is_the_same_whoever_asks(suite: Project) -> None:
    result = suite.run("suites", "--backend=clerk", "--latency=3", "-n", "2")
    assert result.ret == 1
    assert measurements(suite, "clerk")["latency p50 (s)"]["n"] == 3


def test_a_probe_that_fails_is_told_and_the_scores_stand(suite: Project) -> None:
    suite.run("suites", "--backend=clerk")
    suite.replace("pyproject.toml", 'clerk = "clerk:one"', 'clerk = { spec = "clerk:one", dies_after = 0 }')
    result = suite.run("suites", "--backend=clerk", "--latency=3")
    result.stdout.fnmatch_lines(["- clerk: its latency could not be probed: out of paper"])
    assert "strict" in suite.report()["tasks"][0]["model_runs"][0]["rates"]["test"]
    assert "latency p50 (s)" not in measurements(suite, "clerk")


def test_the_tables_come_as_markdown(suite: Project) -> None:
    result = suite.run("suites", "--backend=good", "--against=bad", "--against=twin", "--format=markdown")
    text = result.stdout.str()
    assert (suite.root / "reports" / "latest.md").read_text() in text
    assert "| | good | bad | twin |" in text


@pytest.mark.parametrize(
    ("option", "told"),
    [
        ("--latency=-1", "--latency=-1: expected a number of examples, 1 or more"),
        ("--latency=x", "*invalid int value*"),
    ],
)
def test_a_latency_of_no_examples_is_refused(suite: Project, option: str, told: str) -> None:
    result = suite.run("suites", "--backend=good", option)
    assert result.ret == 4
    result.stderr.fnmatch_lines([f"*{told}*"])


@pytest.mark.parametrize("price", ["-1", "'much'", "true"])
def test_a_price_of_an_hour_that_is_none_is_refused(suite: Project, price: str) -> None:
    suite.replace("pyproject.toml", "clerk = ", LOCAL.replace("1.8", price) + "clerk = ")
    result = suite.run("suites", "--backend=good")
    assert result.ret == 4
    result.stderr.fnmatch_lines(["*backends.served[]] cost_per_hour is *, expected US dollars, 0 or more"])
