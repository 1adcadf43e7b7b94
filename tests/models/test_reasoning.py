"""Reasoning and the answer, told apart by the marks that models put between them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from some_marks import SOME_MARKS

from evalkit.models.reasoning import BARE, MARKS, Mark, opened_by_prompt, split_reasoning

DRAFT, FINAL = '{"direction": -1}', '{"direction": 1}'
each_mark = pytest.mark.parametrize("mark", SOME_MARKS, ids=lambda mark: mark.opens)


def test_reasoning_is_taken_out_of_the_answer_whatever_its_marks_are() -> None:
    for mark in MARKS:
        for end in mark.ends:
            split = split_reasoning(f"{mark.opens}{mark.label}Maybe {DRAFT}? No.{end}{FINAL}")
            found = (split.thinking, split.answer, split.closed)
            assert found == (f"Maybe {DRAFT}? No.", FINAL, True), (mark.opens, end)


@each_mark
def test_all_before_a_mark_that_nothing_opened_is_reasoning(mark: Mark) -> None:
    for end in mark.ends_alone:
        split = split_reasoning(f"Maybe {DRAFT}? No.{end}{FINAL}")
        assert (split.thinking, split.answer) == (f"Maybe {DRAFT}? No.", FINAL)


@each_mark
def test_what_may_be_text_closes_nothing_that_it_did_not_open(mark: Mark) -> None:
    text = f"Maybe {DRAFT}? No.{mark.closes}{FINAL}"
    assert (split_reasoning(text).thinking is None) == (not mark.alone)


@each_mark
def test_reasoning_that_never_closes_is_all_reasoning_unless_its_mark_may_be_text(mark: Mark) -> None:
    text = f"So: {mark.opens}{mark.label}Maybe {DRAFT}"
    split = split_reasoning(text)
    expected = (f"Maybe {DRAFT}", "So: ", False) if mark.alone else (None, text, True)
    assert (split.thinking, split.answer, split.closed) == expected


@pytest.mark.parametrize(
    "prose", ["Use <plan b>:", "<reason for it>", "Here is my thought process: it falls.", "<details>"]
)
def test_prose_that_looks_like_a_mark_takes_no_answer_away(prose: str) -> None:
    assert split_reasoning(f"{prose} {FINAL}").answer == f"{prose} {FINAL}"


@each_mark
def test_a_mark_in_a_text_of_the_answer_is_text(mark: Mark) -> None:
    for word in (mark.opens, *mark.ends):
        answer = f'{{"note": "he wrote {word} twice"}}'
        assert split_reasoning(answer).answer == answer
        assert split_reasoning(answer).thinking is None


@each_mark
@pytest.mark.parametrize("space", ["", "\n", " \n\n"])
def test_a_prompt_tells_whether_the_answer_begins_in_reasoning(mark: Mark, space: str) -> None:
    expected = mark if mark.alone else None
    assert opened_by_prompt(f"<|im_start|>assistant\n{mark.opens}{space}", "") is expected
    assert opened_by_prompt(f"<|im_start|>assistant\n{mark.opens}{space}First", "First") is expected
    assert opened_by_prompt(f"<|im_start|>assistant\n{mark.opens}{mark.closes}{space}", "") is None


def test_a_prompt_that_is_not_known_opens_nothing() -> None:
    assert opened_by_prompt(None, "") is None
    assert opened_by_prompt("assistant\n<think>\n", "<think>\n") is None


def test_a_final_channel_alone_is_no_reasoning() -> None:
    for header in ("<|channel|>final<|message|>", "<|start|>assistant<|channel|>final <|constrain|>json<|message|>"):
        assert split_reasoning(header + FINAL).answer == FINAL
        assert split_reasoning(header + FINAL).thinking is None


def test_every_channel_before_the_final_one_is_reasoning() -> None:
    text = (
        f"<|channel|>analysis<|message|>Maybe {DRAFT}<|end|><|start|>assistant<|channel|>commentary<|message|>I will "
        f"answer.<|end|><|start|>assistant<|channel|>final<|message|>{FINAL}"
    )
    split = split_reasoning(text)
    assert split.answer == FINAL
    assert DRAFT in (split.thinking or "")


def test_channels_whose_marks_a_server_took_out_are_told_apart() -> None:
    split = split_reasoning(f"{BARE.opens}Maybe {DRAFT}. No.{BARE.closes}{FINAL}")
    assert (split.thinking, split.answer) == (f"Maybe {DRAFT}. No.", FINAL)
    assert split_reasoning(f"analysis: {FINAL}").answer == f"analysis: {FINAL}"


def test_empty_reasoning_is_not_the_same_as_none() -> None:
    assert split_reasoning("<think></think>{}").thinking == ""
    assert split_reasoning("{}").thinking is None


def test_several_stretches_of_reasoning_are_joined() -> None:
    split = split_reasoning("<think>a</think> and <think>b</think>c")
    assert (split.thinking, split.answer) == ("a\nb", " and c")


def test_reasoning_behind_an_object_counts_where_another_object_follows() -> None:
    assert split_reasoning(f"{DRAFT}<think>No.</think>{FINAL}").answer == DRAFT + FINAL
    for text in (f"{FINAL}<think>That was it.</think>", f"{FINAL}<think>That was"):
        assert split_reasoning(text).answer == text


def test_nothing_is_left_of_an_answer_that_ends_with_its_reasoning() -> None:
    split = split_reasoning(f"{DRAFT}</think>\n")
    assert (split.thinking, split.answer) == (DRAFT, "\n")


def test_an_alias_may_name_marks_of_its_own() -> None:
    text = f"<ponder>Maybe {DRAFT}</ponder>{FINAL}"
    assert split_reasoning(text, ("<ponder>", "</ponder>")).answer == FINAL
    assert split_reasoning(text).answer == text


@pytest.mark.parametrize(
    "unit",
    ["<think>", "</think>", "<think></think>", '{"', '{"a":', "{}", "{}<think>", "{}</think>", "<|channel|>", "["],
)
def test_a_million_characters_of_anything_are_split(unit: str) -> None:
    text = unit * (1_000_000 // len(unit)) + "</think>"
    split = split_reasoning(text)
    assert len(split.answer) <= len(text)


WORDS = [word for mark in MARKS for word in (mark.opens, *mark.ends)]


@given(
    st.lists(st.sampled_from([*WORDS, DRAFT, '{"a": "', '"', "}", " so ", "analysis", "\\"]), max_size=20).map("".join)
)
def test_whatever_a_model_writes_is_split(text: str) -> None:
    split = split_reasoning(text)
    assert len(split.answer) + len(split.thinking or "") <= len(text) + text.count("<")


@pytest.mark.parametrize(
    ("opens", "closes"),
    [
        ("<think>", "</thinking>"), ("<thought>", "</think>"), ("<reasoning>", "</reason>"),
        ("< think >", "</ think >"),
        ("<think >", "< /think>"), ("&lt;think&gt;", "&lt;/think&gt;"), ("<cot>", "</cot>"), ("<PLAN>", "</PLAN>"),
        ("<details>\n<summary>Thinking</summary>", "</details>"), ("```thinking\n", "```"),
        ("Here is my thought process:\n", "Here is my response:"),
        ("Here are my reasoning steps:", "[BEGIN FINAL RESPONSE]"),
        ("<|think|>", "<|end|>"), ("analysis", "assistantfinal json"), ("analysis\n", "assistant\nfinal"),
        ("We say ", "assistantfinal"), ("commentary", "assistantfinal"),
    ],
)  # fmt: skip
def test_marks_as_models_mix_them_up(opens: str, closes: str) -> None:
    split = split_reasoning(f"{opens}Maybe {DRAFT}? No.{closes}{FINAL}")
    assert split.answer == FINAL
    assert DRAFT in (split.thinking or "")


@pytest.mark.parametrize("text", [f"Here is my response:\n{FINAL}", f"```json\n{FINAL}\n```", f"{FINAL}</details>"])
def test_what_is_text_elsewhere_closes_no_reasoning_that_nothing_opened(text: str) -> None:
    assert (split_reasoning(text).answer, split_reasoning(text).thinking) == (text, None)
