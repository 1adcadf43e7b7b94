"""A golden folder that somebody else has made is read, or refused with the file and the reason: whatever is in it."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from tempfile import mkdtemp
from typing import TYPE_CHECKING

import pytest
from campaigns.storm import Storm

from evalkit.errors import EvalkitError
from evalkit.golden.lints.waivers import lint
from evalkit.golden.loader import load_task
from evalkit.models.request import Asking, render

if TYPE_CHECKING:
    from conftest import MiniProject

pytestmark = pytest.mark.storm

Harm = Callable[[Path, Random], None]

SPLITS = ("test.jsonl", "train.jsonl", "reference.jsonl", "malformed.jsonl")

TEXTS: tuple[bytes, ...] = (
    b"", b"\n\n\n", b"\xef\xbb\xbf", b"\x00", b"\xff\xfe\xfa", b"null\n", b"[]\n", b"1e999\n", b"NaN\n", b'{"id": ',
    b"[" * 5_000, b'{"a":' * 5_000, b'{"id": "x", "id": "y"}\n', b'"\\ud800"\n', b"\x1b[2J\x07\n", b"9" * 5_000 + b"\n",
    b"<!DOCTYPE html><script>alert(1)</script>\n", b"\r\n\r", "ключ = 'значение'\n".encode("cp1251"),
)  # fmt: skip
"""What stands in a file in place of, behind, or before what belongs there."""

VALUES: tuple[object, ...] = (
    None, True, -1, 0, 1e308, float("nan"), float("inf"), 10**30, "", "x" * 10_000, "\x1b]52;c;eA==\x07", "\u202e", [],
    {},
    [[[[]]]], {"a": {"b": {}}}, "../../etc/passwd", "\ud800", "{{ 1/0 }}", ["x"] * 500,
)  # fmt: skip
"""What stands in a key in place of its value."""

LINES = (
    'title = ""', "title = 7", "[prompt]", "[scores.mood]\nscorer = 'nobody'",
    "[scores.\"\\u001b[2J\"]\nscorer = 'exact'",
    "[thresholds]\nmood = nan", "[thresholds]\nnobody = 0.5", "[looks]\nplanned = -1", "[looks]\nplanned = 1e99",
    "[[hypotheses]]\nkind = 'win'", "[decoding]\nmax_tokens = 9999999999999", "[decoding]\ntemperature = inf",
    "[relations.swap]\nkind = 'rewrite'\npattern = '(a+)+$'\nreplacement = 'b'", "[primary]\nscore = 'nobody'",
    "[input]\nrequired = ['nobody']", "a = 1\na = 2", "= = =", "[lint]\nwaive = 7", "[[[", "key = '''never closed",
)  # fmt: skip

TEMPLATES = (
    "{{ text", "{% for i in range(10**12) %}x{% endfor %}", "{{ ''.__class__.__mro__ }}",
    "{% include '/etc/passwd' %}",
    "{{ nobody }}", "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "{{ text * 10**9 }}",
    "\x1b[2J{{ text }}",
    "{{ cycler.__init__.__globals__.os.system('touch harmed') }}", "{% extends 'x' %}", "{{ lipsum(n=10**9) }}",
)  # fmt: skip

SCHEMAS = (
    '{"$ref": "#"}', '{"$ref": "http://127.0.0.1:9/schema.json"}', '{"$ref": "file:///etc/passwd"}', "true", "false",
    "[]",
    '{"type": "nobody"}', '{"pattern": "(a+)+$"}', '{"properties": {"direction": {"pattern": "(x+x+)+y"}}}',
    '{"allOf": [{"$ref": "#/allOf/0"}]}', '{"enum": []}', '{"minimum": "one"}', '{"$schema": 7}', '{"required": [7]}',
    '{"multipleOf": 0}', '{"patternProperties": {"(a+)+$": {}}}', '{"$dynamicRef": "#x"}',
    '{"type": ["object", "object"]}',
)  # fmt: skip


def some_file(folder: Path, random: Random, names: Sequence[str] = (*SPLITS, "task.toml", "schema.json")) -> Path:
    """A file that is still one: what reads a pipe waits for ever."""
    return random.choice([path for name in names if (path := folder / name).is_file() and not path.is_symlink()])


def replace(folder: Path, random: Random) -> None:
    some_file(folder, random).write_bytes(random.choice(TEXTS))


def append(folder: Path, random: Random) -> None:
    with some_file(folder, random).open("ab") as file:
        file.write(random.choice(TEXTS))


def prepend(folder: Path, random: Random) -> None:
    path = some_file(folder, random)
    path.write_bytes(random.choice(TEXTS) + path.read_bytes())


def cut(folder: Path, random: Random) -> None:
    path = some_file(folder, random)
    content = path.read_bytes()
    path.write_bytes(content[: random.randrange(len(content) + 1)])


def flip(folder: Path, random: Random) -> None:
    path = some_file(folder, random)
    content = bytearray(path.read_bytes())
    for _ in range(random.randint(1, 5)):
        content[random.randrange(len(content))] = random.randrange(256)
    path.write_bytes(bytes(content))


def take_away(folder: Path, random: Random) -> None:
    some_file(folder, random).unlink()


def put_a_folder(folder: Path, random: Random) -> None:
    path = some_file(folder, random)
    path.unlink()
    path.mkdir()


def put_a_pipe(folder: Path, random: Random) -> None:
    path = some_file(folder, random)
    path.unlink()
    os.mkfifo(path)


def put_a_link(folder: Path, random: Random) -> None:
    path = some_file(folder, random)
    path.unlink()
    path.symlink_to(
        random.choice([path, Path("/dev/zero"), Path("/dev/stdin"), Path("/etc/passwd"), Path("/"), Path("nowhere")])
    )


def change_a_line(folder: Path, random: Random) -> None:
    """Another value in a key of an example: of its own, of its input, or of what is expected."""
    path = some_file(folder, random, SPLITS)
    lines = path.read_text(encoding="utf-8").splitlines()
    number = random.randrange(len(lines))
    table = json.loads(lines[number])
    inner = random.choice([table, table["input"], table["expected"]])
    inner[random.choice([*inner, "tags", "group", "must_pass", "known_fail", "created", "x"])] = random.choice(VALUES)
    lines[number] = json.dumps(table)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def repeat_lines(folder: Path, random: Random) -> None:
    path = some_file(folder, random, SPLITS)
    path.write_bytes(path.read_bytes() * random.choice([2, 50]))


def add_to_the_contract(folder: Path, random: Random) -> None:
    path = some_file(folder, random, ["task.toml"])
    text, line = path.read_text(encoding="utf-8"), random.choice(LINES)
    path.write_text(f"{line}\n{text}" if random.random() < 0.5 else f"{text}\n{line}\n", encoding="utf-8")


def write_another_template(folder: Path, random: Random) -> None:
    path = some_file(folder, random, ["task.toml"])
    text = path.read_text(encoding="utf-8")
    template = json.dumps(random.choice(TEMPLATES))
    path.write_text(re.sub("(?m)^user = .*$", lambda _: f"user = {template}", text), encoding="utf-8")


def write_another_schema(folder: Path, random: Random) -> None:
    some_file(folder, random, ["schema.json"]).write_text(random.choice(SCHEMAS), encoding="utf-8")


HARMS: tuple[Harm, ...] = (
    replace, append, prepend, cut, flip, take_away, put_a_folder, put_a_pipe, put_a_link, change_a_line, change_a_line,
    change_a_line, repeat_lines, add_to_the_contract, add_to_the_contract, write_another_template, write_another_schema,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Folder:
    """What is done to a folder, in this order, drawn from a seed. One that is not ``frozen`` is read further:
    of the others the first change is told."""

    harms: tuple[Harm, ...]
    seed: int
    frozen: bool

    def __repr__(self) -> str:
        return f"{[harm.__name__ for harm in self.harms]}, seed {self.seed}"


def draw(random: Random) -> Folder:
    return Folder(
        tuple(random.choices(HARMS, k=random.choice([1, 1, 1, 2, 3]))), random.randrange(2**30), random.random() < 0.3
    )


def check(case: Folder, template: Path, place: Path) -> str:
    root = Path(mkdtemp(dir=place))
    folder = root / "mood"
    shutil.copytree(template, folder)
    random = Random(case.seed)
    if not case.frozen:
        (folder / "frozen.json").unlink()
    for harm in case.harms:
        try:
            harm(folder, random)
        except (OSError, ValueError, LookupError, AttributeError, TypeError, RecursionError):
            return "harmed before"
    before = sorted(root.rglob("*"))
    outcome = outcome_of(folder)
    assert sorted(root.rglob("*")) == before, "reading it has written something"
    assert not Path("harmed").exists()
    shutil.rmtree(root)
    return outcome


def outcome_of(folder: Path) -> str:
    """What comes of reading a folder, checking it, and making every prompt of it."""
    try:
        task = load_task(folder)
        for example in (example for split in task.splits.values() for example in split):
            render(task, example, Asking())
        for finding in lint(task):
            assert is_plain(repr(finding)), repr(finding)
    except EvalkitError as error:
        told = str(error)
        assert is_plain(told), repr(told)
        assert "mood" in told, f"it does not say where: {told}"
        return type(error).__name__
    return "read"


def is_plain(text: str) -> bool:
    """Whether a terminal shows ``text`` and obeys none of it."""
    return not any((ord(each) < 32 and each != "\n") or each in "\x7f\u202e\u2066" for each in text)


@pytest.mark.parametrize("part", range(2))
def test_hostile_golden_folders(storm: Storm, project: MiniProject, tmp_path: Path, part: int) -> None:  # noqa: ARG001
    project.frozen.freeze()
    storm.run(1_500, draw, lambda case: check(case, project.folder, tmp_path), most_seconds=600, most_each=8)
    assert storm.tried["read"] > 0.02 * storm.tried.total()
