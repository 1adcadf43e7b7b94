"""The checks of golden data: each finds what is planted in a copy, and says nothing of data that are sound."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from itertools import combinations
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner
from mini_project import Project

from evalkit.cli.main import main
from evalkit.golden.freeze import freeze
from evalkit.golden.lints.finding import Finding
from evalkit.golden.lints.waivers import lint
from evalkit.golden.loader import load_task
from evalkit.golden.model import Example, ScoreRule, Task
from evalkit.golden.near_duplicates import near_pairs, normal

if TYPE_CHECKING:
    from conftest import MiniProject

WORDS = re.findall(
    r"\w+",
    "harbour lantern gravel turbine orchard ledger violin compass meadow ferry copper thunder pillow anchor saddle "
    "basil chimney falcon ribbon cellar tunnel marble walnut pepper canyon mirror bucket ladder candle sparrow",
)
GOLDEN = Path(__file__).parents[2] / "golden"
every_task = pytest.mark.parametrize("name", ["market_direction", "news_metadata", "request_router", "ticket_priority"])


def sentence(dice: Random, words: int = 9) -> str:
    return " ".join(dice.choice(WORDS) for _ in range(words))


@pytest.fixture
def sound(project: MiniProject) -> Task:
    """A task of which nothing is to be said: 60 examples to learn from and 60 to judge, all different, half of them
    good, and how good does not show in any word or length."""
    dice = Random(5)

    def examples(split: str) -> list[dict[str, object]]:
        return [
            {
                "id": f"{split}-{number}",
                "input": {"text": sentence(dice)},
                "expected": {"mood": ("good", "bad")[number % 2], "strength": (number % 5) / 4},
                "thinking": sentence(dice, 12),
            }
            for number in range(60)
        ]

    project.split("train", examples("train"))
    project.split("test", examples("test"))
    project.contract('system = "Say the mood as JSON."', 'system = "Answer with mood and strength, or error, as JSON."')
    return project.task()


def found(task: Task, *, notes: bool = False) -> list[Finding]:
    return [finding for finding in lint(task) if notes or finding.counts]


def changed(task: Task, split: str, index: int, change: Callable[[Example], Example]) -> Task:
    """``task`` with one example of a split changed."""
    examples = list(task.splits[split])
    examples[index] = change(examples[index])
    return replace(task, splits={**task.splits, split: tuple(examples)})


def with_text(text: str) -> Callable[[Example], Example]:
    return lambda example: replace(example, input={"text": text})


def test_of_sound_data_nothing_is_said(sound: Task) -> None:
    assert found(sound) == []
    assert {finding.lint for finding in found(sound, notes=True)} <= {"words_only", "balance"}


@every_task
def test_our_own_golden_data_are_sound_or_it_is_said_why_not(name: str) -> None:
    task = load_task(GOLDEN / name)
    assert [repr(finding) for finding in lint(task) if finding.counts] == []
    assert all(len(waiver.reason.split()) >= 6 for waiver in task.waivers)


@pytest.mark.parametrize(
    ("first", "second", "level", "told"),
    [
        (("train", 3), ("test", 5), "error", "held out and in train"),
        (("train", 3), ("train", 9), "warning", "counted as two"),
        (("test", 3), ("reference", 0), "warning", "in test and in reference"),
    ],
)
@pytest.mark.parametrize("spelled", ["the same", "nearly the same"])
def test_a_text_that_comes_twice_is_found_where_it_comes_again(
    sound: Task, first: tuple[str, int], second: tuple[str, int], level: str, told: str, spelled: str
) -> None:
    text = "The harbour ferry, with a copper lantern, leaves the tunnel for the orchard at seven tonight!"
    again = text.upper() if spelled == "the same" else text.replace("seven", "eight")
    task = changed(changed(sound, *first, with_text(text)), *second, with_text(again))
    (finding,) = [one for one in found(task) if one.lint == "duplicates"]
    place = {task.splits[split][index].where for split, index in (first, second)}
    assert (finding.level, finding.where in place, told in finding.what) == (level, True, True)
    assert ("the same text as" in finding.what) == (spelled == "the same")


def test_examples_of_one_event_may_be_alike_in_one_split_and_not_across(sound: Task) -> None:
    text = "The harbour ferry leaves the tunnel for the orchard at seven"
    pair = changed(sound, "train", 1, lambda one: replace(one, input={"text": text}, group="ferry"))
    same = changed(pair, "train", 3, lambda one: replace(one, input={"text": text + "!"}, group="ferry"))
    assert found(same) == []
    across = changed(pair, "test", 3, lambda one: replace(one, group="ferry"))
    (finding,) = found(across)
    assert (finding.level, finding.lint) == ("error", "duplicates")
    assert "its group 'ferry' is taught by train-1" in finding.what


def test_the_same_input_with_two_answers_is_a_contradiction_but_not_within_a_group(sound: Task) -> None:
    text = "A violin fell into the cellar and the falcon laughed about it all night"
    task = changed(changed(sound, "test", 1, with_text(text)), "test", 2, with_text(text))
    told = [one for one in found(task) if one.lint == "contradictions"]
    assert len(told) == 1
    assert "mood 'bad' and 'good'" in told[0].what
    meant = changed(task, "test", 1, lambda one: replace(one, group=task.splits["test"][2].group))
    assert [one for one in found(meant) if one.lint == "contradictions"] == []


@pytest.mark.parametrize(("strength", "count"), [(0.85, 0), (0.1, 1)])
def test_answers_that_the_task_scores_as_right_are_no_contradiction(sound: Task, strength: float, count: int) -> None:
    """0.2 is the tolerance."""
    text = "A violin fell into the cellar and the falcon laughed about it all night"
    task = sound
    for index, value in ((2, 0.9), (4, strength)):
        task = changed(task, "test", index, with_text(text))
        task = changed(task, "test", index, partial(replace, expected={"mood": "good", "strength": value}))
    assert len([one for one in found(task) if one.lint == "contradictions"]) == count


def test_two_empty_lists_are_the_same_answer_whatever_they_score(sound: Task) -> None:
    text = "A violin fell into the cellar and the falcon laughed about it all night"
    rule = replace(sound.scores["mood"], name="names", field="names", scorer="set", options={"both_empty": 0})
    task = replace(sound, scores={**sound.scores, "names": rule})
    for index in (2, 4):
        task = changed(task, "test", index, with_text(text))
        task = changed(task, "test", index, lambda one: replace(one, expected={"mood": "good", "names": []}))
    assert [one for one in found(task) if one.lint == "contradictions"] == []


def test_an_input_that_the_prompt_holds_is_given_away(sound: Task) -> None:
    own = sound.splits["test"][7].input["text"]
    task = replace(sound, prompt=replace(sound.prompt, system=f"{sound.prompt.system} As in: {own}."))
    (finding,) = found(task)
    assert (finding.lint, finding.where) == ("answers_in_prompt", sound.splits["test"][7].where)
    assert "the prompt holds the input of test-7" in finding.what


def test_free_text_that_the_input_holds_is_no_answer(sound: Task) -> None:
    reason = "the candle of the chimney went out"
    rule = replace(sound.scores["mood"], name="reason", field="reason", scorer="text")
    task = replace(sound, scores={**sound.scores, "reason": rule})
    task = changed(
        task, "test", 4, lambda one: replace(
            one, input={"text": f"They say: {reason}."}, expected={**one.expected, "reason": reason}
        ),
    )  # fmt: skip
    (finding,) = found(task)
    assert (finding.lint, finding.where) == ("answers_in_prompt", "golden/mood/test.jsonl")
    assert finding.what == "the input holds the reason of 1 of 60 examples, word for word"


def test_a_label_that_is_nearly_all_there_is(sound: Task) -> None:
    task = sound
    for index in range(1, 59, 2):
        task = changed(task, "test", index, lambda one: replace(one, expected={**one.expected, "mood": "good"}))
    told = found(task, notes=True)
    assert [one.what for one in told if one.lint == "balance" and one.level == "warning"] == [
        "mood is good in 59 of 60 examples: whoever always says so scores 98%"
    ]
    assert [one.level for one in told if "mood is bad in 1 example only" in one.what] == ["note"]


def test_a_whole_that_asks_for_a_text_word_for_word_is_told(sound: Task) -> None:
    text = ScoreRule("why", "why", "text", {"both_empty": 1})
    whole = ScoreRule("all", "", "whole", members=(*sound.scores.values(), text))
    found = [one for one in lint(replace(sound, scores={**sound.scores, "all": whole})) if one.lint == "wholes"]
    assert [(one.level, "[scores.all] asks that why be" in one.what) for one in found] == [("warning", True)]
    named = replace(whole, of=("mood",), members=(sound.scores["mood"],))
    assert not [one for one in lint(replace(sound, scores={"all": named})) if one.lint == "wholes"]


def test_a_field_behind_a_reference_is_a_field_of_the_schema(sound: Task) -> None:
    schema = {"$ref": "#/$defs/answer", "$defs": {"answer": sound.schema, "unused": {"properties": {"ghost": {}}}}}
    prompt = replace(sound.prompt, system='Answer with {"mood": "good" or "bad"}, and "strength" and "error".')
    task = replace(sound, prompt=prompt, schema=schema)
    assert [finding for finding in lint(task) if "field" in finding.what] == []


def test_a_prompt_that_asks_for_another_field_than_the_schema_has(sound: Task) -> None:
    task = replace(sound, prompt=replace(sound.prompt, system='{"mod": "good" or "bad", "strength": 0 to 1} or error'))
    told = [(one.level, one.what) for one in found(task)]
    assert told == [
        ("error", "the prompt asks for a field 'mod' that the schema does not have"),
        ("warning", "the schema has a field 'mood' that the prompt does not name"),
    ]


@pytest.mark.parametrize(
    ("sign", "named"),
    [("\u200b", "ZERO WIDTH SPACE"), ("\u202e", "RIGHT-TO-LEFT OVERRIDE"), ("\ufeff", "ZERO WIDTH NO-BREAK SPACE"),
     ("\ufffd", "REPLACEMENT CHARACTER"), ("\x07", "control"), ("\u00ad", "SOFT HYPHEN")],
)  # fmt: skip
def test_signs_that_nobody_sees_are_named(sound: Task, sign: str, named: str) -> None:
    task = changed(
        sound, "train", 8, with_text(f"A walnut{sign} in the bucket of a sparrow, and a mirror in the canyon")
    )
    (finding,) = found(task)
    assert (finding.lint, finding.where) == ("invisible", sound.splits["train"][8].where)
    assert finding.what == f"train-8 holds U+{ord(sign):04X} {named}"
    fine = changed(sound, "train", 8, with_text("A walnut 👩‍🚀 in\tthe bucket\nof a sparrow, naïve ☂️ and Ж 漢"))
    assert found(fine) == []


@pytest.mark.parametrize(
    ("text", "what", "level"),
    [
        ("use AKIAIOSFODNN7EXAMPLE for it", "an AWS key", "error"),
        ("use sk-ant-api03-abcdefghijklmnopqrst for it", "an API key", "error"),
        ("use ghp_abcdefghijklmnopqrstuvwxyz0123456789 for it", "a GitHub token", "error"),
        ("-----BEGIN RSA PRIVATE KEY----- MIIE", "a private key", "error"),
        ("write to marie.durand@gmail.com today", "a mail address", "warning"),
        ("pay to DE89 3704 0044 0532 0130 00 today", "a bank account", "warning"),
        ("call +49 (30) 901820-55 today", "a telephone number", "warning"),
        ("charge 4111 1111 1111 1111 today", "a card number", "warning"),
    ],
)
def test_secrets_and_persons_are_found(sound: Task, text: str, what: str, level: str) -> None:
    (finding,) = found(changed(sound, "test", 2, with_text(text)))
    assert (finding.lint, finding.level, what in finding.what) == ("secrets", level, True)
    assert text.split()[1] not in repr(finding)  # what is found is not spread further


def test_a_key_at_the_beginning_of_a_line_is_found_and_so_is_one_in_the_prompt(sound: Task) -> None:
    (finding,) = found(changed(sound, "test", 2, with_text("here it is:\nAKIAIOSFODNN7EXAMPLE\n")))
    assert (finding.lint, "an AWS key" in finding.what) == ("secrets", True)
    task = replace(sound, prompt=replace(sound.prompt, system=f"{sound.prompt.system} Key: AKIAIOSFODNN7EXAMPLE"))
    assert [one.where for one in found(task)] == ["golden/mood/task.toml"]


def test_inputs_that_are_no_text_are_compared_too(sound: Task) -> None:
    for first, second, count in (([1, 2], [1, 3], 0), ([7, 8, 9] * 9, [7, 8, 9] * 9, 1), ("👍", "👎", 0)):
        task = changed(sound, "train", 1, partial(replace, input={"rows": first}))
        task = changed(task, "train", 2, partial(replace, input={"rows": second}))
        assert len([one for one in found(task) if one.lint == "duplicates"]) == count
        assert len([one for one in found(task) if one.lint == "contradictions"]) == count


def test_many_fields_are_not_too_many_to_find_a_length(sound: Task) -> None:
    task = lengthened(sound, "train", "input", lambda one: 6 + round(8 * one.expected["strength"]))
    rules = {f"again{n}": replace(sound.scores["mood"], name=f"again{n}", field=f"again{n}") for n in range(12)}
    splits = {
        split: tuple(replace(one, expected={**one.expected, **{name: "xy"[len(one.id) % 2] for name in rules}})
                     for one in task.splits[split])
        for split in ("train", "test")
    }  # fmt: skip
    told = found(replace(task, scores={**task.scores, **rules}, splits={**task.splits, **splits}))
    assert [one.what[:8] for one in told if "length" in one.what] == ["strength"]


@pytest.mark.parametrize(
    "text",
    [
        "write to jo@example.com or jo@shop.test",
        "see /sk-hynix-to-build-new-fab-in-indiana",
        "order 4111 1111 1111 1112 came",
        "a task-list at +5 points, 12 %",
    ],
)
def test_what_only_looks_like_a_secret_is_left_alone(sound: Task, text: str) -> None:
    assert found(changed(sound, "test", 2, with_text(text))) == []


def lengthened(task: Task, split: str, of: str, words: Callable[[Example], int]) -> Task:
    """``task`` with inputs (or traces) of a split as long as ``words`` says."""
    dice = Random(9)
    examples = [
        replace(one, **({"thinking": sentence(dice, words(one))} if of == "trace" else
                        {"input": {"text": sentence(dice, words(one))}}))
        for one in task.splits[split]
    ]  # fmt: skip
    return replace(task, splits={**task.splits, split: tuple(examples)})


@pytest.mark.parametrize("of", ["input", "trace"])
def test_a_number_that_goes_with_a_length_is_found_and_gone_when_the_lengths_are_evened_out(
    sound: Task, of: str
) -> None:
    task = lengthened(sound, "train", of, lambda one: 6 + round(8 * one.expected["strength"]))
    (finding,) = found(task)
    assert (finding.lint, finding.level) == ("shortcuts", "error")
    assert f"strength goes with the length of the {of} (Spearman's rho +0.9" in finding.what
    assert finding.what.endswith("p = 0.005")  # the smallest that is drawn for
    dice = Random(3)
    even = lengthened(task, "train", of, lambda _: dice.randrange(6, 15))
    assert [one for one in found(even) if "length" in one.what] == []


def test_a_class_that_goes_with_a_length_is_found(sound: Task) -> None:
    (finding,) = found(lengthened(sound, "test", "input", lambda one: 6 if one.expected["mood"] == "bad" else 11))
    assert "mood goes with the length of the input" in finding.what
    assert "of the variance of its ranks is between classes, n = 60" in finding.what


def test_a_word_that_tells_the_label_is_found(sound: Task) -> None:
    word = {"bad": "aubergine", "good": "zucchini"}
    examples = [
        replace(one, input={"text": f"{one.input['text']} {word[one.expected['mood']]}"}) if number % 4 < 2 else one
        for number, one in enumerate(sound.splits["train"])
    ]
    told = found(replace(sound, splits={**sound.splits, "train": tuple(examples)}))
    assert [one.what.split(" alone")[0] for one in told] == ["the word 'aubergine'", "the word 'zucchini'"]
    assert all(one.what.endswith("p = 0.002") for one in told)  # 1 in 1,000, in train and in test


def test_words_alone_and_the_commonest_label_are_lines_to_read_by(sound: Task) -> None:
    (note,) = [one for one in found(sound, notes=True) if one.lint == "words_only"]
    assert note.level == "note"
    assert note.what.startswith(
        "mood: the commonest label of train is right in 50.0% of 60, words alone (naive Bayes) in "
    )


# -- waivers and the command ----------------------------------------------------------------------------


def waive(project: MiniProject, lint: str, about: str, reason: str) -> None:
    project.contract("[primary]", f'[[waivers]]\nlint = "{lint}"\nabout = "{about}"\nreason = "{reason}"\n\n[primary]')


def command(project: MiniProject, *arguments: str) -> tuple[int, str]:
    told = CliRunner().invoke(main, ["--root", str(project.root), "lint", *arguments])
    return told.exit_code, told.output


def plant(project: MiniProject) -> None:
    lines = (project.folder / "train.jsonl").read_text().splitlines()
    line = json.loads(lines[0])
    project.append("train", {**line, "id": "again"})


@pytest.mark.usefixtures("sound")
def test_what_is_found_is_told_with_place_and_remedy_and_makes_the_command_fail(project: MiniProject) -> None:
    assert command(project) == (0, "mood: 0 findings, 0 waived\n")
    plant(project)
    code, told = command(project, "mood")
    assert code == 1
    assert told.splitlines() == [
        "golden/mood/train.jsonl:61: warning: again is the same text as train-0 (golden/mood/train.jsonl:1), counted "
        "as two. Take one away, or give both the same group. (duplicates)",
        "mood: 1 finding, 0 waived",
    ]
    assert "words alone" in command(project, "--notes")[1]
    assert command(project, "moood")[0] == 4


@pytest.mark.usefixtures("sound")
def test_a_split_that_is_not_what_was_frozen_is_found(project: MiniProject) -> None:
    freeze(project.folder, load_task(project.folder, verify=False).splits)
    assert command(project)[0] == 0
    line = json.loads((project.folder / "train.jsonl").read_text().splitlines()[0])
    project.append("train", {**line, "id": "late", "input": {"text": "The tram came late, and nobody minded."}})
    code, told = command(project)
    assert code == 1
    assert "golden/mood/frozen.json: error: not what was frozen: train.jsonl" in told
    assert "late" in told


@pytest.mark.usefixtures("sound")
def test_every_task_is_checked_and_all_that_is_wrong_is_told(project: MiniProject) -> None:
    contract = (project.folder / "task.toml").read_text()
    (project.folder / "task.toml").write_text(contract.replace("{{ text | json }}", "{{ txet | json }}"))
    other = project.folder.with_name("weather")
    shutil.copytree(project.folder, other)
    (other / "task.toml").write_text("title = 3\n")
    code, told = command(project)
    assert code == 4
    assert "txet" in told
    assert "weather/task.toml" in told


@pytest.mark.usefixtures("sound")
def test_a_finding_that_is_waived_is_told_only_when_asked_for(project: MiniProject) -> None:
    plant(project)
    waive(project, "duplicates", "again", "asked twice to see whether it is answered alike")
    assert command(project) == (0, "mood: 0 findings, 1 waived\n")
    assert "Waived: asked twice to see whether it is answered alike" in command(project, "--notes")[1]


@pytest.mark.usefixtures("sound")
def test_a_waiver_of_nothing_is_a_finding(project: MiniProject) -> None:
    waive(project, "duplicates", "again", "there was one once")
    code, told = command(project)
    assert (code, "the waiver of duplicates about 'again' waives nothing. Take it away." in told) == (1, True)


@pytest.mark.parametrize(
    ("lint", "reason", "told"),
    [
        ("duplicats", "why", "unknown lint 'duplicats'"),
        ("duplicates", " ", "reason is ' ', expected a text that is not empty"),
    ],
)
def test_a_waiver_needs_a_check_and_a_reason(project: MiniProject, lint: str, reason: str, told: str) -> None:
    waive(project, lint, "again", reason)
    (problem,) = project.problems()
    assert told in problem


def test_a_suite_has_a_test_for_each_finding_and_asks_no_model_for_it(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    suite = Project(pytester, monkeypatch)
    suite.write("suites/test_moods.py", "import pytest\n\n\n@pytest.mark.golden('moods')\ndef test_sound(finding):\n"
                "    assert finding.waived, finding\n")  # fmt: skip
    first = json.loads((suite.golden / "train.jsonl").read_text().splitlines()[0])
    with (suite.golden / "train.jsonl").open("a") as file:
        file.write(json.dumps({**first, "id": "again"}) + "\n")
    about = '[[waivers]]\nlint = "contract"\nabout = "{}"\nreason = "the prompt of this test is short"\n'
    suite.replace("golden/moods/task.toml", "[primary]", about.format("direction") + about.format("kind") + "[primary]")
    result = suite.run("suites", "-v", "--backend=clerk")
    assert result.ret == 1
    told = result.stdout.str()
    assert "again is the same text as t00 (golden/moods/train.jsonl:1), counted as two. Take one away" in told
    assert told.count(" PASSED") == 2
    assert not suite.asked()


# -- nearly the same ------------------------------------------------------------------------------------


def test_pairs_are_those_that_a_comparison_of_all_with_all_finds() -> None:
    dice = Random(2)
    texts = [sentence(dice, 20) for _ in range(300)]
    texts += [text.replace(text.split()[dice.randrange(20)], "zeppelin", 1) for text in texts[:150]]

    normals = [normal(text) for text in texts]
    runs = [{text[at : at + 5] for at in range(len(text) - 4)} for text in normals]
    pairs = {
        (one, two): len(runs[one] & runs[two]) / len(runs[one] | runs[two])
        for one, two in combinations(range(len(texts)), 2)
    }
    expected = {pair: share for pair, share in pairs.items() if share >= 0.8}
    assert len(expected) > 50
    assert {(one, two): share for one, two, share in near_pairs(range(len(texts)), texts, 0.8)} == pytest.approx(
        expected
    )


def test_a_text_that_comes_a_thousand_times_is_told_once_each() -> None:
    assert sum(1 for _ in near_pairs(range(1000), ["The same old headline as always"] * 1000, 0.8)) == 999
