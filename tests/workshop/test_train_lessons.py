"""What an adapter learns from is what a model reads and writes when it is asked."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice
from typing import Any

import pytest

from evalkit.errors import ConfigError
from evalkit.golden.model import Example
from fixtures.train import spoken
from fixtures.train_lessons import Lesson, batches, lesson, shared_beginning


def made(name: str, length: int) -> Lesson:
    return Lesson(name, tuple(range(length)), (9,), (1.0,))


@pytest.mark.real
def test_a_lesson_is_the_models_own_template_then_the_answer_and_its_end(tokenizer: Any, pairs: Any) -> None:
    each = lesson(tokenizer, *pairs[0])
    assert tokenizer.decode(each.prompt) == (
        "<|im_start|>system\nSay the mood of the text as JSON.<|im_end|>\n"
        "<|im_start|>user\nWhat a day!<|im_end|>\n<|im_start|>assistant\n"
    )
    assert tokenizer.decode(each.answer) == '{"mood": "good"}<|im_end|>'


@pytest.mark.real
def test_a_prefill_is_read_and_not_learnt(tokenizer: Any, pairs: Any) -> None:
    request, answer = pairs[0]
    each = lesson(tokenizer, replace(request, prefill="{"), answer)
    assert tokenizer.decode(each.prompt).endswith("assistant\n{")
    assert tokenizer.decode(each.answer) == '"mood": "good"}<|im_end|>'
    # One text would make the token `{"` of both, which a model that was given `{` can't write.
    assert [*each.prompt, *each.answer] != tokenizer.encode(tokenizer.decode([*each.prompt, *each.answer]))


@pytest.mark.real
def test_an_answer_that_does_not_begin_with_the_prefill_is_named(tokenizer: Any, pairs: Any) -> None:
    request, answer = pairs[0]
    with pytest.raises(ConfigError, match=r"example What a day!: .* does not begin with the task's prefill '\['"):
        lesson(tokenizer, replace(request, prefill="["), answer)


def test_something_of_every_prompt_is_left_after_the_shared_beginning() -> None:
    assert shared_beginning([made("a", 5), made("b", 3)]) == 2
    assert shared_beginning([made("a", 5)]) == 4
    assert shared_beginning([]) == 0


def test_every_lesson_comes_once_an_epoch_and_never_in_the_same_order() -> None:
    lessons = [made(f"{n}", n % 7 + 1) for n in range(30)]
    first, second = ([each.example_id for batch in part for each in batch] for part in epochs(lessons, 2))
    assert sorted(first) == sorted(second) == sorted(each.example_id for each in lessons)
    assert first != second


def epochs(lessons: list[Lesson], count: int) -> list[list[list[Lesson]]]:
    stream = batches(lessons, 4, seed=3)
    return [list(islice(stream, 8)) for _ in range(count)]


def test_the_seed_decides_the_order() -> None:
    lessons = [made(f"{n}", n % 7 + 1) for n in range(30)]
    one, same, other = (list(islice(batches(lessons, 4, seed), 8)) for seed in (1, 1, 2))
    assert one == same
    assert one != other


@pytest.mark.real
def test_the_tokens_of_a_weighted_field_count_more_and_no_others(tokenizer: Any, pairs: Any) -> None:
    request, answer = pairs[0][0], '{"mood": "good", "strength": -0.5}'
    made = lesson(tokenizer, request, answer, {"strength": 3.0})
    heavy = [token for token, weight in zip(made.answer, made.weights, strict=True) if weight == 3.0]
    assert tokenizer.decode(heavy) == " -0.5"
    assert sum(weight == 1.0 for weight in made.weights) == len(made.answer) - len(heavy)


@pytest.mark.real
def test_a_trace_is_learnt_before_the_answer_and_its_braces_are_no_object(tokenizer: Any, pairs: Any) -> None:
    example = Example("e", "train", {}, {"mood": "good", "strength": 0.5}, thinking='It says {"mood": ...} up.')
    plain, traced = (spoken(example, thinking) for thinking in (False, True))
    assert plain == '{"mood": "good", "strength": 0.5}'
    assert traced == f'<think>\nIt says {{"mood": ...}} up.\n</think>\n\n{plain}'
    made = lesson(tokenizer, pairs[0][0], traced, {"strength": 3.0})
    assert tokenizer.decode(made.answer) == f"{traced}<|im_end|>"
    assert tokenizer.decode([t for t, w in zip(made.answer, made.weights, strict=True) if w == 3.0]) == " 0.5"


def test_without_a_trace_the_answer_alone_is_learnt() -> None:
    assert spoken(Example("e", "train", {}, {"mood": "good"}), thinking=True) == '{"mood": "good"}'


@pytest.mark.real
def test_weights_change_no_token(tokenizer: Any, pairs: Any) -> None:
    request, answer = pairs[0]
    plain = lesson(tokenizer, request, answer, {})
    weighted = lesson(tokenizer, request, answer, {"mood": 2.0})
    assert (plain.prompt, plain.answer) == (weighted.prompt, weighted.answer)
    assert set(plain.weights) == {1.0}
