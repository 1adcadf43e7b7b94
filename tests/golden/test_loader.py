"""Every mistake in a golden folder is found in one reading, with its place and what to do."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from evalkit.errors import SetupError
from evalkit.golden.loader import find_tasks, load_task

if TYPE_CHECKING:
    from conftest import MiniProject

GOOD = {"mood": "good", "strength": 0.9}


def test_a_sound_folder_is_a_task(project: MiniProject) -> None:
    task = project.task()
    assert (task.name, task.title, task.primary) == ("mood", "Is the mood good?", "mood")
    assert {split: len(examples) for split, examples in task.splits.items()} == {
        "train": 5, "test": 12, "reference": 1, "malformed": 1,
    }  # fmt: skip
    assert task.thresholds == {"test": {"strict": 0.8}, "malformed": {"error": 0.5}}
    assert task.decoding.max_tokens == 40


def test_an_example_knows_its_place_and_its_defaults(project: MiniProject) -> None:
    third = project.task().splits["test"][2]
    assert (third.where, third.group, third.must_pass, third.known_fail) == (
        "golden/mood/test.jsonl:3", "t-03", False, None,
    )  # fmt: skip
    assert project.task().splits["reference"][0].must_pass


def test_a_line_separator_inside_a_text_is_no_end_of_line(project: MiniProject) -> None:
    line = json.dumps({"id": "t-20", "input": {"text": "one\u2028two\x85three"}, "expected": GOOD}, ensure_ascii=False)
    project.append("test", line)
    assert project.task().splits["test"][-1].input["text"] == "one\u2028two\x85three"


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ('{"id": "t-20", ', "not valid JSON: it ends before all of it is closed"),
        ('{"id": "t-20", "id": "t-21", "input": {}, "expected": {}}', "key 'id' stands twice"),
        ('{"id": "t-20", "input": {"text": "x"}, "expected": {"strength": NaN}}', "NaN is not JSON"),
        ("[1]", "is a JSON list, expected an object with id, input and expected"),
        (
            {"id": "t-01", "input": {"text": "x"}, "expected": GOOD},
            "id 't-01' stands already at golden/mood/test.jsonl:1",
        ),
        ({"id": "l-1", "input": {"text": "x"}, "expected": GOOD}, "'l-1' stands already at golden/mood/train.jsonl:2"),
        ({"id": "a b", "input": {"text": "x"}, "expected": GOOD}, "'id' is 'a b', expected letters, digits"),
        ({"id": "t-20", "input": {"text": "x"}}, "'expected' is missing"),
        ({"id": "t-20", "input": "x", "expected": GOOD}, "'input' is 'x', expected an object"),
        (
            {"id": "t-20", "input": {"text": "x"}, "expected": GOOD, "tag": []},
            "unknown key 'tag'. Did you mean 'tags'?",
        ),
        ({"id": "t-20", "input": {}, "expected": GOOD}, "input: 'text' is missing"),
        ({"id": "t-20", "input": {"text": " "}, "expected": GOOD}, "input: 'text' is ' ', expected text"),
        ({"id": "t-20", "input": {"text": "x", "sorce": ""}, "expected": GOOD}, "'sorce'. Did you mean 'source'?"),
        (
            {"id": "t-20", "input": {"text": "x"}, "expected": {"mood": "glad", "strength": 1}},
            "expected: mood: not one of the values, got 'glad', expected 'good' or 'bad'",
        ),
    ],
)
def test_a_wrong_line_is_told_by_its_number(project: MiniProject, line: str | dict[str, Any], what: str) -> None:
    number = project.append("test", line)
    problems = [one for one in project.problems() if one.startswith(f"golden/mood/test.jsonl:{number}: ")]
    assert any(what in one for one in problems), project.problems()


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        (
            '"exact"\n\n[scores.strength]',
            '"exakt"\n\n[scores.strength]',
            "[scores.mood] unknown scorer 'exakt'. Did you mean 'exact'?",
        ),
        (
            "tolerance = 0.2",
            "tolerence = 0.2",
            "[scores.strength] option 'tolerence' is 0.2, but there is no such option",
        ),
        (
            "tolerance = 0.2",
            "tolerance = -1",
            "[scores.strength] option 'tolerance' is -1, expected a number of at least 0",
        ),
        (
            "[scores.strength]\nscorer",
            "[scores.strength]\nscorrer",
            '[scores.strength] scorer is missing: the scorer that compares the field, as in scorer = "exact". '
            "Did you mean it by 'scorrer'?",
        ),
        (
            "[scores.error]",
            "[scores]\nerror = 3\n\n[scores.other]",
            '[scores.error] is 3, expected a table with scorer = "..."',
        ),
        ("[scores.error]", "[scores.strict]", "'strict' is scored for every answer; choose another name"),
        ("strict = 0.8", "stricd = 0.8", "[thresholds] unknown score 'stricd'. Did you mean 'strict'?"),
        ("strict = 0.8", "strict = 80", "[thresholds] strict is 80, expected a rate from 0 to 1"),
        ("[thresholds.malformed]", "[thresholds.malfromed]", "unknown split 'malfromed'. Did you mean 'malformed'?"),
        ("[primary]\nscore = ", "[primary]\nscroe = ", "[primary] unknown key 'scroe'. Did you mean 'score'?"),
        (
            '[primary]\nscore = "mood"',
            '[primary]\nscore = "moood"',
            "[primary] unknown score 'moood'. Did you mean 'mood'?",
        ),
        (
            'measure = "mae"',
            'measure = "mea"',
            "[measurements.strength_mae] unknown measure 'mea'. Did you mean 'mae'?",
        ),
        ('measure = "mae"', 'measure = "mae"\nquiet = 1', "[measurements.strength_mae] option 'quiet' is 1"),
        ("[decoding]", "[decodding]", "unknown section 'decodding'. Did you mean 'decoding'?"),
        ("max_tokens = 40", "max_token = 40", "[decoding] unknown key 'max_token'. Did you mean 'max_tokens'?"),
        ("max_tokens = 40", 'max_tokens = "40"', "[decoding] max_tokens is '40', expected a whole number, 1 or more"),
        ("max_tokens = 40", "max_tokens = true", "[decoding] max_tokens is true, expected a whole number, 1 or more"),
        ("max_tokens = 40", "temperature = -0.5", "[decoding] temperature is -0.5, expected a number, 0 or more"),
        ("system = ", "sytem = ", "[prompt] unknown key 'sytem'. Did you mean 'system'?"),
        ('system = "Say the mood as JSON."', "", "[prompt] system is missing: the system message, a Jinja2 template"),
        ('required = ["text"]', 'required = "text"', "[input] required is 'text', expected a list of field names"),
        ('required = ["text"]', 'requires = ["text"]', "[input] unknown key 'requires'. Did you mean 'required'?"),
        ("[[hypotheses]]", "[hypotheses]", "expected tables headed [[hypotheses]]"),
        ('kind = "win"', 'kind = "wins"', "[[hypotheses]] number 1: kind is 'wins', expected 'equivalent'"),
        ('against = ["base", "majority"]', "against = []", "number 1: against is missing"),
        (
            'against = ["base", "majority"]',
            "against = 3",
            "number 1: against is 3, expected a list of aliases or floors",
        ),
        ('candidate = "tuned"', "candidate = 3", "number 1: candidate is 3, expected an alias"),
        ('candidate = "tuned"', 'min_gain = "big"', "number 1: min_gain is 'big', expected a difference of scores"),
        (
            'kind = "win"',
            'kind = "no_loss"',
            "number 1: margin is missing: how much worse (or other) is still the",
        ),
        (
            'kind = "win"',
            'kind = "no_loss"\nmargin = 0.05',
            "number 1: margin is 0.05, which 12 independent test examples can't show even where no answer differs: "
            "96 are needed, or a margin above 0.295",
        ),
        ('kind = "win"', 'kind = "no_loss"\nmargin = 0', "margin is 0.0, which 12 independent test examples can't"),
        ('kind = "win"', 'kind = "equivalent"\nmargin = 0.05', "margin is 0.05, which 12 independent test examples"),
        ('kind = "win"', 'kind = "no_loss"\nmin_gain = 0.3', "unknown key 'min_gain'"),
        ('kind = "win"', 'kind = "win"\nmargin = 0.3', "unknown key 'margin'"),
        ('kind = "win"', "", "number 1: kind is missing, expected 'equivalent', 'no_loss' or 'win'"),
        ('kind = "win"', 'kind = "draw"', "number 1: kind is 'draw', expected 'equivalent', 'no_loss' or 'win'"),
        ('candidate = "tuned"', "family = 1", "number 1: family is 1, expected the name that alternative wins share"),
        ('candidate = "tuned"', 'candidat = "tuned"', "number 1: unknown key 'candidat'. Did you mean 'candidate'?"),
        (
            '"majority"]\nscore = "mood"',
            '"majority"]\nscore = "mod"',
            "number 1: unknown score 'mod'. Did you mean 'mood'?",
        ),
        ("[scores.mood]", "[scores.mood", "not valid TOML"),
    ],
)
def test_a_wrong_contract_is_told(project: MiniProject, old: str, new: str, what: str) -> None:
    project.contract(old, new)
    problems = project.problems()
    assert any(one.startswith("golden/mood/task.toml") and what in one for one in problems), problems


def test_thresholds_that_are_no_table_are_not_passed_over(project: MiniProject) -> None:
    text = (project.folder / "task.toml").read_text()
    start, end = text.index("[thresholds]"), text.index("[[hypotheses]]")
    project.write("golden/mood/task.toml", "thresholds = 0.9\n" + text[:start] + text[end:])
    assert project.problems() == ["golden/mood/task.toml: [thresholds] is 0.9, expected a table"]


def test_a_scorer_that_cant_read_what_is_expected_is_told_before_a_model_is_asked(project: MiniProject) -> None:
    project.contract('[scores.mood]\nscorer = "exact"', '[scores.mood]\nscorer = "sign"')
    problems = project.problems()
    assert problems[0].startswith(
        "golden/mood/test.jsonl:1: expected: 'mood', [scores.mood]: an example expects 'good'"
    )
    assert len(problems) == 13  # test and reference; train is not scored


def test_a_scorer_is_not_asked_to_read_what_it_will_never_be_asked_about(project: MiniProject) -> None:
    project.name_people()
    project.contract('scorer = "set"\nboth_empty = 1\n\n[scores.error]', 'scorer = "exact"\n\n[scores.error]')
    project.contract('nonempty = true\nscorer = "exact"', 'scorer = "sign"')
    assert len(project.problems()) == 13  # an empty list has no sign
    project.contract('scorer = "sign"', 'scorer = "sign"\nnonempty = true')
    assert len(project.problems()) == 4


@pytest.mark.parametrize("value", ["[]", "[0.5]", "[0.5, 0.5]", "[0.9, 0.1]", '["low", "high"]', "[true, 2]", "0.5"])
def test_anchors_are_two_numbers_or_more_in_ascending_order(project: MiniProject, value: str) -> None:
    project.contract("[scores.strength]", f"[scores.strength]\nanchors = {value}")
    [problem] = project.problems()
    assert problem.startswith("golden/mood/task.toml: [scores.strength] anchors is ")
    assert problem.endswith(", expected two numbers or more, each above the one before")


def test_anchors_are_kept_as_they_are_written(project: MiniProject) -> None:
    project.contract("[scores.strength]", "[scores.strength]\nanchors = [0, 0.5, 1]")
    assert repr(project.task().scores["strength"].anchors) == "(0, 0.5, 1)"


@pytest.mark.parametrize("value", ["1", '"yes"', "[]"])
def test_nonempty_is_yes_or_no(project: MiniProject, value: str) -> None:
    project.contract("[scores.mood]", f"[scores.mood]\nnonempty = {value}")
    [problem] = project.problems()
    assert problem.startswith("golden/mood/task.toml: [scores.mood] nonempty is ")
    assert problem.endswith(", expected true or false")


def test_a_margin_is_held_against_the_examples_that_have_the_score(project: MiniProject) -> None:
    project.name_people()
    entry = 'kind = "no_loss"\nmargin = 0.35\nscore = "names"'
    project.contract('kind = "win"', f'{entry}\ncandidate = "tuned"\nagainst = "base"\n\n[[hypotheses]]\nkind = "win"')
    assert project.task().hypotheses[0].margin == 0.35
    project.contract('score = "names"', 'score = "named"')
    [problem] = project.problems()
    assert "margin is 0.35, which 4 independent test examples can't show" in problem


@pytest.mark.parametrize("text", [None, "", "\n"])
def test_a_task_without_test_examples_is_refused(project: MiniProject, text: str | None) -> None:
    if text is None:
        (project.folder / "test.jsonl").unlink()
    else:
        project.write("golden/mood/test.jsonl", text)
    assert project.problems() == ["golden/mood/test.jsonl: no examples: a task needs at least one line here"]


@pytest.mark.parametrize(
    ("schema", "what"),
    [
        ("{", "not valid JSON: it ends before all of it is closed"),
        ('{"type": "objekt"}', "not a valid JSON Schema: type: 'objekt'"),
        ('{"type": "object", "type": "array"}', "key 'type' stands twice"),
        ('{"$ref": "https://example.com/schema"}', "not a valid JSON Schema: '$ref' is 'https://example.com/schema'"),
    ],
)
def test_a_wrong_schema_is_told(project: MiniProject, schema: str, what: str) -> None:
    project.write("golden/mood/schema.json", schema)
    [problem] = project.problems()
    line = "" if what.startswith("not a valid JSON Schema") else ":1"
    assert problem.startswith(f"golden/mood/schema.json{line}: {what}")


def test_a_missing_schema_is_told(project: MiniProject) -> None:
    (project.folder / "schema.json").unlink()
    assert project.problems() == [
        "golden/mood/schema.json: there is no such file: it says what JSON object the model must return"
    ]


def test_a_folder_without_a_contract_is_told(project: MiniProject) -> None:
    (project.folder / "task.toml").unlink()
    assert project.problems() == [
        "golden/mood/task.toml: there is no such file: every golden folder needs its contract"
    ]


@pytest.mark.parametrize("name", ["test.jsonl", "schema.json", "task.toml"])
def test_a_file_that_is_not_utf_8_is_told(project: MiniProject, name: str) -> None:
    (project.folder / name).write_bytes('{"café": 1}'.encode("latin-1"))
    told = [one for one in project.problems() if one.startswith(f"golden/mood/{name}:1: ")]
    assert "not UTF-8: byte 0xe9" in told[0]


def test_a_split_by_an_unknown_name_is_told(project: MiniProject) -> None:
    project.write("golden/mood/tset.jsonl", "{}")
    assert project.problems() == [
        "golden/mood/tset.jsonl: unknown split 'tset'. Did you mean 'test'? "
        "Known: dev, malformed, reference, test, train."
    ]


def test_tasks_are_the_folders_that_hold_a_contract(project: MiniProject) -> None:
    (project.root / "golden" / "notes").mkdir()
    assert list(find_tasks(project.root / "golden")) == ["mood"]


def test_the_checksum_is_about_the_contract_and_every_split(project: MiniProject) -> None:
    before = project.task().checksum
    assert load_task(project.folder).checksum == before
    project.append("train", {"id": "l-9", "input": {"text": "x"}, "expected": GOOD})
    after = project.task().checksum
    project.contract("tolerance = 0.2", "tolerance = 0.3")
    assert len({before, after, project.task().checksum}) == 3


def test_a_slice_is_declared_by_its_tag(project: MiniProject) -> None:
    project.tag("hard", "t-01", "t-02", "t-03", "t-04")
    project.contract("[[hypotheses]]", '[thresholds.where.hard]\nmood = 0.5\n\n[[hypotheses]]\nwhere = "hard"')
    task = project.task()
    assert task.slice_thresholds == {"hard": {"mood": 0.5}}
    assert [hypothesis.slice for hypothesis in task.hypotheses] == ["hard"]


def test_a_tag_that_no_test_example_has_is_told(project: MiniProject) -> None:
    project.tag("hard", "t-01")
    project.contract("[[hypotheses]]", '[[hypotheses]]\nwhere = "herd"')
    [problem] = project.problems()
    assert "[[hypotheses]] number 1: unknown tag 'herd'. Did you mean 'hard'?" in problem


def test_a_margin_is_held_against_the_examples_of_its_slice(project: MiniProject) -> None:
    project.tag("hard", "t-01", "t-02", "t-03", "t-04")
    entry = 'kind = "no_loss"\nmargin = 0.3\nwhere = "hard"\nagainst = "base"\nscore = "mood"\n'
    project.contract("[[hypotheses]]", f"[[hypotheses]]\n{entry}\n[[hypotheses]]")
    [problem] = project.problems()
    assert "margin is 0.3, which 4 independent test examples can't show" in problem


@pytest.mark.parametrize("name", ["task.toml", "schema.json", "test.jsonl", "train.jsonl", "looks.jsonl"])
def test_a_folder_in_a_files_place_is_one_problem_with_its_path(project: MiniProject, name: str) -> None:
    path = project.folder / name
    path.unlink(missing_ok=True)
    path.mkdir()
    with pytest.raises(SetupError, match=rf"{name}.*can't be read: Is a directory"):
        project.session(["tuned"]).check()


def test_a_folder_in_the_place_of_what_is_frozen_is_told_with_its_path(project: MiniProject) -> None:
    (project.folder / "frozen.json").unlink(missing_ok=True)
    (project.folder / "frozen.json").mkdir()
    with pytest.raises(SetupError, match=r"frozen.json.*can't be read: Is a directory"):
        load_task(project.folder)


@pytest.mark.parametrize(
    ("to", "told"), [("nowhere.jsonl", "a link that leads nowhere"), ("dev.jsonl", "it can't be read: Too many levels")]
)
def test_a_link_in_a_splits_place_that_leads_to_no_file_is_told(project: MiniProject, to: str, told: str) -> None:
    (project.folder / "dev.jsonl").unlink(missing_ok=True)
    (project.folder / "dev.jsonl").symlink_to(to)
    with pytest.raises(SetupError, match=rf"dev\.jsonl.*{told}"):
        load_task(project.folder)


def test_a_split_that_would_fill_the_memory_is_refused_unread(project: MiniProject) -> None:
    with (project.folder / "train.jsonl").open("r+b") as file:
        file.truncate(1 << 30)  # sparse: it takes no room
    with pytest.raises(SetupError, match=r"train\.jsonl: has 1,024 MiB; at most 512 MiB are read"):
        load_task(project.folder)
