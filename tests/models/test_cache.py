"""What was stored stays: through kills, odd text, damage and other processes."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from evalkit.errors import StoreError
from evalkit.golden.model import Decoding
from evalkit.models.backend import Completion
from evalkit.models.cache import Store
from evalkit.models.request import Message, Request

REQUEST = Request("mood", "t-01", (Message("system", "s"), Message("user", "u")), "{", Decoding(tail=None), 3)
COMPLETION = Completion('"a": 1}', "stop", "<s>s u{", 7, 4)

# What another process does: puts its own answers one by one, says so, and goes on living.
WRITER = """
import sys, time
from pathlib import Path
from evalkit.models.backend import Completion
from evalkit.models.request import Message, Request
from evalkit.models.cache import Store
from evalkit.golden.model import Decoding

path, name, count, after = sys.argv[1:]
sys.stdin.readline()
store = Store(Path(path))
for number in range(int(count)):
    request = Request("mood", f"t-{number}", (Message("user", "u"),), "", Decoding())
    store.put(f"{name}-{number}", "model", request, Completion("{}", "stop"))
print("put", flush=True)
if after == "sleep":
    time.sleep(60)
store.close()
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / ".evalkit" / "store.sqlite"


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    with closing(Store(path)) as opened:
        yield opened


def writer(path: Path, name: str, count: int, after: str = "end") -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path), name, str(count), after],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def test_what_was_put_is_got_back_whole(store: Store) -> None:
    store.put("k", "model", REQUEST, COMPLETION)
    kept = store.get(["k"])["k"]
    assert (kept.key, kept.fingerprint, kept.request, kept.completion) == ("k", "model", REQUEST, COMPLETION)


def test_what_is_not_there_is_left_out(store: Store) -> None:
    store.put("k", "model", REQUEST, COMPLETION)
    assert store.stored(["k", "l"]) == {"k"}
    assert store.get(["l"]) == {}


def test_more_keys_than_sqlite_takes_at_once_can_be_asked_for(store: Store) -> None:
    store.put("k-1200", "model", REQUEST, COMPLETION)
    assert store.stored(f"k-{number}" for number in range(40_000)) == {"k-1200"}


def test_the_first_answer_to_a_request_stays(store: Store) -> None:
    store.put("k", "model", REQUEST, COMPLETION)
    store.put("k", "model", REQUEST, replace(COMPLETION, text="another"))
    assert store.get(["k"])["k"].completion == COMPLETION
    assert store.count() == 1


@pytest.mark.parametrize("text", ["\ud83d", "a\udc00b", "\x00", "\u2028\x85", "🜚", ""])
def test_any_text_survives_half_surrogate_pairs_included(path: Path, text: str) -> None:
    asked = replace(REQUEST, messages=(Message("user", text),), prefill=text)
    with closing(Store(path)) as first:
        first.put("k", "model", asked, replace(COMPLETION, text=text, rendered=text))
    with closing(Store(path)) as second:
        kept = second.get(["k"])["k"]
    assert (kept.completion.text, kept.completion.rendered, kept.request) == (text, text, asked)


def test_a_killed_process_loses_nothing_that_it_put(path: Path) -> None:
    with writer(path, "a", 20, after="sleep") as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write("\n")
        process.stdin.flush()
        assert process.stdout.readline() == "put\n"
        process.kill()
    assert process.returncode == -9
    with closing(Store(path)) as store:
        assert store.stored(f"a-{number}" for number in range(20)) == {f"a-{number}" for number in range(20)}


def test_two_processes_may_open_and_write_a_new_store_at_once(path: Path) -> None:
    path.parent.mkdir()
    processes = [writer(path, name, 30) for name in ("a", "b")]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    said = [process.communicate(timeout=60) for process in processes]
    assert [out for out, _ in said] == ["put\n", "put\n"], said
    with closing(Store(path)) as store:
        assert store.count() == 60


def test_a_damaged_file_is_an_error_with_the_remedy_and_is_left_as_it_is(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"this is no database at all" * 100)
    with pytest.raises(
        StoreError, match=r"store.sqlite: file is not a database.*move it away, then run the same command"
    ):
        Store(path)
    assert path.read_bytes() == b"this is no database at all" * 100


def test_damage_inside_a_file_is_an_error_with_the_remedy(path: Path) -> None:
    with closing(Store(path)) as first:
        for number in range(200):
            first.put(f"k-{number}", "model", REQUEST, COMPLETION)
    whole = bytearray(path.read_bytes())
    whole[8192:] = b"\xff" * (len(whole) - 8192)
    path.write_bytes(bytes(whole))
    with (
        pytest.raises(StoreError, match=r"malformed.*if the file is damaged move it away"),
        closing(Store(path)) as store,
    ):
        store.get(f"k-{number}" for number in range(200))


def test_a_file_of_a_newer_version_is_left_alone_and_told(path: Path) -> None:
    Store(path).close()
    with closing(sqlite3.connect(path)) as other:
        other.execute("pragma user_version = 99")
    with pytest.raises(StoreError, match=r"store.sqlite is of version 99, this evalkit reads 1; move the file away"):
        Store(path)


def test_a_folder_that_cant_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="file: can't be made"):
        Store(tmp_path / "file" / "store.sqlite")


def test_a_failure_is_about_one_session_only(store: Store) -> None:
    store.fail("run-1", "k", "the server is gone")
    store.fail("run-1", "k", "later")
    assert store.failures("run-1") == {"k": "the server is gone"}
    assert store.failures("run-2") == {}


def test_a_row_that_cant_be_read_is_named_and_the_others_are_read(store: Store, path: Path) -> None:
    for key in ("good", "bad"):
        store.put(key, "model", REQUEST, COMPLETION)
    with closing(sqlite3.connect(path)) as other:
        other.execute("update completions set completion = '{\"text\": ' where key = 'bad'")
        other.commit()
    assert list(store.get(["good", "bad"])) == ["good"]
    assert list(store.unreadable) == ["bad"]
    assert "delete the row of the table completions whose key is bad" in store.unreadable["bad"]
