"""Sessions that ask by batches: paid once, whatever happens to the run, and never more than was allowed."""

from __future__ import annotations

import json
import os
import signal
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from batch_vendor import Vendor, vendor
from mini_project import ALL, Project, wait_until

KEY = "sk-not-to-be-seen-in-a-batch"
EACH = 2.0
"""Dollars for an answer of four tokens, at half of one dollar a token."""

every_vendor = pytest.mark.parametrize("scheme", ["anthropic", "openai"])


@pytest.fixture
def suite(suite: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    """The project, with a task of four tokens an answer and a price of one dollar for each of them."""
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    suite.replace("golden/moods/task.toml", "[scores.direction]", "[decoding]\nmax_tokens = 4\n[scores.direction]")
    return suite


def aim(suite: Project, scheme: str, at: Vendor) -> None:
    """Lets the alias ``nightly`` ask that vendor by batches, and ``daily`` one by one."""
    url = at.url + ("/v1" if scheme == "openai" else "")
    given = f'spec = "{scheme}:m", base_url = "{url}", key = "{scheme.upper()}_API_KEY"'
    aliases = f"nightly = {{ {given}, batch = true, poll = 1 }}\ndaily = {{ {given}, tries = 1 }}\n"
    suite.replace("pyproject.toml", "twin = ", f"{aliases}twin = ")
    price = f'[tool.evalkit.prices."{scheme}:m"]\ninput = 0\noutput = 1_000_000\n'
    suite.write("pyproject.toml", (suite.root / "pyproject.toml").read_text() + price)


def notes(suite: Project) -> list[Path]:
    return sorted((suite.root / ".evalkit" / "batches").glob("*.json"))


def killed_while_it_waits(suite: Project, shop: Vendor) -> None:
    process = suite.start("suites", "--backend=nightly")
    wait_until(lambda: any(batch.looks for batch in shop.batches.values()))
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def cost_of(suite: Project) -> float:
    (model_run, *_) = suite.report()["tasks"][0]["model_runs"]
    return float(model_run["measurements"]["USD per 1,000 calls"]["value"])


def leave_note(suite: Project, mark: str, name: str, keys: list[str], made: datetime) -> None:
    """A note of a batch that was about to be sent when the run was killed."""
    note = {"name": name, "made": made.isoformat(), "keys": keys, "batch": "", "answers": None}
    suite.write(f".evalkit/batches/{mark[:16]}-{name}.json", json.dumps(note))


def told(suite: Project) -> list[str]:
    (task,) = suite.report()["tasks"]
    return [one for model_run in task["model_runs"] for one in model_run["unanswered"].values()]


@every_vendor
def test_all_is_asked_in_one_batch_and_costs_half(suite: Project, scheme: str) -> None:
    with vendor() as shop:
        aim(suite, scheme, shop)
        result = suite.run("suites", "--backend=nightly")
        assert sorted(suite.stored()) == sorted(ALL)
        assert [len(batch.bodies) for batch in shop.batches.values()] == [len(ALL)]
        # The same request as one by one, but for the stream.
        (body, *_) = next(iter(shop.batches.values())).bodies.values()
        assert (body["model"], body["max_tokens"]) == ("m", 4)
        assert not {"stream", "stream_options", "extra_body"} & body.keys()
        assert cost_of(suite) == 1000 * EACH
        calls = shop.calls.total()
        suite.run("suites", "--backend=daily")  # the same model: its answers are there
        assert shop.calls.total() == calls
        assert cost_of(suite) == 1000 * 2 * EACH  # what is weighed is what this alias pays
    result.stdout.fnmatch_lines([f"spent in this session: {EACH * len(ALL):.4f} USD"])
    assert notes(suite) == []


@every_vendor
def test_a_run_that_is_killed_while_it_waits_finds_its_batch_again(suite: Project, scheme: str) -> None:
    with vendor(ends_after=float("inf")) as shop:
        aim(suite, scheme, shop)
        killed_while_it_waits(suite, shop)
        assert (suite.stored(), len(notes(suite))) == ([], 1)
        shop.ends_after = 0
        suite.run("suites", "--backend=nightly")
        assert len(shop.batches) == 1
        assert set(shop.paid.values()) == {1}
    assert sorted(suite.stored()) == sorted(ALL)


@every_vendor
def test_a_run_that_is_killed_before_it_hears_of_its_batch_finds_it_too(suite: Project, scheme: str) -> None:
    with vendor() as shop:
        aim(suite, scheme, shop)
        suite.run("suites", "--backend=nightly")
        (name,) = shop.batches
        keys = list(shop.batches[name].bodies)
        # As a kill leaves it between sending and hearing: the note is there, the vendor's name of the batch is not.
        mark = suite.fingerprint_of("nightly")
        suite.store.unlink()
        ours = shop.batches[name].metadata.get("evalkit", "x" * 32)
        leave_note(suite, mark, ours, keys, shop.batches[name].made)
        suite.run("suites", "--backend=nightly")
        assert list(shop.batches) == [name]
    assert sorted(suite.stored()) == sorted(ALL)


@every_vendor
def test_a_batch_that_never_arrived_is_sent(suite: Project, scheme: str) -> None:
    with vendor() as shop:
        aim(suite, scheme, shop)
        suite.run("suites", "--backend=nightly", "-k", "h03")
        mark = suite.fingerprint_of("nightly")
        leave_note(suite, mark, "y" * 32, ["f" * 64], datetime.now(UTC) - timedelta(hours=1))
        suite.run("suites", "--backend=nightly")
        assert (shop.paid.total(), set(shop.paid.values())) == (len(ALL), {1})
    assert sorted(suite.stored()) == sorted(ALL)
    assert notes(suite) == []


@every_vendor
def test_an_error_of_the_vendor_that_took_the_batch_is_no_reason_to_send_it_again(suite: Project, scheme: str) -> None:
    def late(method: str, path: str, count: int) -> str:
        return "502 after" if method == "POST" and path.endswith("batches") and count == 1 else ""

    with vendor(fault=late) as shop:
        aim(suite, scheme, shop)
        suite.run("suites", "--backend=nightly")
        assert len(shop.batches) == 1
    assert sorted(suite.stored()) == sorted(ALL)


def test_a_batch_that_may_have_arrived_is_remembered_when_nobody_can_look(suite: Project) -> None:
    def late(method: str, path: str, _: int) -> str:
        return "502 after" if method == "POST" and path.endswith("batches") else "404" if method == "GET" else ""

    with vendor(fault=late) as shop:
        aim(suite, "anthropic", shop)
        assert suite.run("suites", "--backend=nightly").ret == 4
        assert (len(shop.batches), len(notes(suite))) == (1, 1)
        shop.fault = lambda *_: ""
        suite.run("suites", "--backend=nightly")
        assert len(shop.batches) == 1
    assert sorted(suite.stored()) == sorted(ALL)


def test_what_a_refused_batch_held_back_is_free_for_the_next_model(suite: Project) -> None:
    with vendor(fault=lambda *_: "401") as shop:
        aim(suite, "anthropic", shop)
        suite.replace("pyproject.toml", "batch = true, poll = 1", "batch = true, poll = 1, most = 3")
        given = 'spec = "openai:m", base_url = "http://127.0.0.1:9", batch = true'
        suite.replace("pyproject.toml", "twin = ", f"other = {{ {given} }}\ntwin = ")
        price = '[tool.evalkit.prices."openai:m"]\ninput = 0\noutput = 1_000_000\n'
        suite.write("pyproject.toml", (suite.root / "pyproject.toml").read_text() + price)
        suite.replace("pyproject.toml", 'base_url = "http://127.0.0.1:9"', f'base_url = "{shop.url}/v1"')
        result = suite.run("suites", "--backend=nightly", "--backend=other", "--max-cost=28")
        # Both were sent, and neither waited for the other's money.
        result.stderr.fnmatch_lines(["*  nightly answered nothing: *401*", "*  other answered nothing: *401*"])


@every_vendor
def test_a_batch_that_arrived_although_the_connection_was_cut_is_not_sent_again(suite: Project, scheme: str) -> None:
    def cut(method: str, path: str, count: int) -> str:
        return "cut" if method == "POST" and path.endswith("batches") and count == 1 else ""

    with vendor(fault=cut) as shop:
        aim(suite, scheme, shop)
        suite.run("suites", "--backend=nightly")
        assert len(shop.batches) == 1
    assert sorted(suite.stored()) == sorted(ALL)


@every_vendor
@pytest.mark.parametrize("kind", ["errored", "expired"])
def test_what_a_batch_did_not_answer_is_an_error_and_is_asked_again_next_time(
    suite: Project, scheme: str, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad: list[str] = []

    def outcome(key: str) -> str:
        return kind if key in bad else "succeeded"

    with vendor(outcome=outcome) as shop:
        aim(suite, scheme, shop)
        add = shop.add

        def adding(bodies: dict[str, object], **more: object) -> str:
            bad.extend(list(bodies)[:2] if not shop.batches else ())
            return add(bodies, **more)

        monkeypatch.setattr(shop, "add", adding)
        assert suite.run("suites", "--backend=nightly").ret == 1
        assert len(suite.stored()) == len(ALL) - 2
        why = {"errored": "the schema is too deep", "expired": "expired"}[kind]
        assert len(told(suite)) == 2
        assert all(why in reason for reason in told(suite))
        bad.clear()
        suite.run("suites", "--backend=nightly")
        assert [len(batch.bodies) for batch in shop.batches.values()] == [len(ALL), 2]
    assert sorted(suite.stored()) == sorted(ALL)
    assert notes(suite) == []


def test_a_limit_lets_as_many_into_a_batch_as_it_allows_and_the_rest_when_that_is_known(suite: Project) -> None:
    # What an answer can cost at most is what it does cost here: six fit into 12.5 dollars, and no more ever.
    with vendor() as shop:
        aim(suite, "anthropic", shop)
        result = suite.run("suites", "--backend=nightly", "--max-cost=12.5")
        assert (result.ret, shop.paid.total(), len(suite.stored())) == (1, 6, 6)
        result.stdout.fnmatch_lines(["spent in this session: 12.0000 USD"])
        assert all("unasked: --max-cost=12.5 might be passed" in reason for reason in told(suite))
        suite.run("suites", "--backend=nightly")
        assert set(shop.paid.values()) == {1}
    assert sorted(suite.stored()) == sorted(ALL)


def test_what_answers_cost_less_than_they_might_buys_a_second_batch(suite: Project) -> None:
    suite.replace("golden/moods/task.toml", "max_tokens = 4", "max_tokens = 8")
    with vendor() as shop:
        aim(suite, "anthropic", shop)
        # At most 4 dollars each, and really 2: 30 dollars hold 7, the 16 that are left then hold 4, and so on.
        suite.run("suites", "--backend=nightly", "--max-cost=30")
        assert [len(batch.bodies) for batch in shop.batches.values()] == [7, 4, 2, 1]
    assert len(suite.stored()) == len(ALL)


def test_a_batch_that_is_refused_as_a_whole_is_told_and_forgotten(suite: Project) -> None:
    with vendor(refuses="the file has no lines") as shop:
        aim(suite, "openai", shop)
        result = suite.run("suites", "--backend=nightly")
        assert result.ret == 4
        result.stderr.fnmatch_lines(["*nightly answered nothing: *was refused: the file has no lines*"])
        assert notes(suite) == []


@every_vendor
def test_a_key_that_is_refused_sends_nothing_and_is_told(suite: Project, scheme: str) -> None:
    with vendor(fault=lambda *_: "401") as shop:
        aim(suite, scheme, shop)
        result = suite.run("suites", "--backend=nightly")
        assert (result.ret, shop.batches, notes(suite)) == (4, {}, [])
        result.stderr.fnmatch_lines([f"*nightly answered nothing: *Check {scheme.upper()}_API_KEY.*"])
        everything = [path.read_text(errors="replace") for path in suite.root.rglob("*") if path.is_file()]
        assert KEY not in "".join(everything) + result.stdout.str()


def test_a_batch_that_the_vendor_has_lost_is_told_and_not_paid_for_again_unasked(suite: Project) -> None:
    with vendor(ends_after=float("inf")) as shop:
        aim(suite, "anthropic", shop)
        killed_while_it_waits(suite, shop)
        shop.batches.clear()
        result = suite.run("suites", "--backend=nightly")
        assert (result.ret, shop.batches) == (4, {})
        (note,) = notes(suite)
        result.stderr.fnmatch_lines([f"*take {note} away: then it is sent, and paid for, again*"])


def test_answers_that_another_selection_asked_for_are_kept_for_it(suite: Project) -> None:
    with vendor(ends_after=float("inf")) as shop:
        aim(suite, "anthropic", shop)
        killed_while_it_waits(suite, shop)
        shop.ends_after = 0
        suite.run("suites", "--backend=nightly", "-k", "h03")
        assert suite.stored() == ["h03"]
        looks = shop.calls.total()
        suite.run("suites", "--backend=nightly")
        assert shop.calls.total() == looks  # they were on disk
        assert len(shop.batches) == 1
    assert sorted(suite.stored()) == sorted(ALL)
    assert notes(suite) == []


@pytest.mark.parametrize("damaged", ['{"name": "x", "made"', "[]", '{"name": "x"}'])
def test_a_note_that_can_not_be_read_stops_the_run_before_it_pays(suite: Project, damaged: str) -> None:
    with vendor(ends_after=float("inf")) as shop:
        aim(suite, "anthropic", shop)
        killed_while_it_waits(suite, shop)
        (note,) = notes(suite)
        note.write_text(damaged)
        result = suite.run("suites", "--backend=nightly")
        assert (result.ret, len(shop.batches)) == (1, 1)
        result.stdout.fnmatch_lines(
            [f"*{note.name}: can't be read*take the file away only if that may be paid for again*"]
        )


def test_a_name_that_moves_from_model_to_model_is_flagged(suite: Project) -> None:
    with vendor() as shop:
        aim(suite, "anthropic", shop)
        suite.run("suites", "--backend=nightly").stdout.no_fnmatch_line("*moves from model to model*")
        suite.replace("pyproject.toml", 'spec = "anthropic:m", ', 'spec = "anthropic:m-latest", ')
        result = suite.run("suites", "--backend=nightly")
    result.stdout.fnmatch_lines(
        ["- nightly: anthropic:m-latest is a name that moves from model to model: not reproducible; *"]
    )


def test_the_time_of_a_batch_is_no_latency(suite: Project) -> None:
    with vendor() as shop:
        aim(suite, "openai", shop)
        suite.run("suites", "--backend=nightly", "--latency=3")
        assert shop.paid.total() == len(ALL)
    assert "latency p50 (s)" not in suite.report()["tasks"][0]["model_runs"][0]["measurements"]
    assert suite.report()["tasks"][0]["model_runs"][0]["rates"]["test"]["extractable"]["value"] == 1.0
