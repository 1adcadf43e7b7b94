"""A prompt that a template renders holds the texts that are asked, or it is not asked."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from evalkit.errors import BackendDied, NotAnswered
from evalkit.golden.model import Decoding
from evalkit.models.prompt_check import Lost, checked, is_cut, lost, stop_if_all, told
from evalkit.models.request import Message, Request

SYSTEM = Message("system", "Say the mood as JSON.")
USER = Message("user", 'Text: "Copper falls,\n  and tin with it"')
SHOWN = (Message("user", 'Text: "Truce holds"'), Message("assistant", '{"mood": "good"}'))
INSERTED = (("text", "Copper falls,\n  and tin with it"),)


def request(*messages: Message, inserted: tuple[tuple[str, str], ...] = INSERTED) -> Request:
    return Request("mood", "t-01", messages, "", Decoding(), inserted=inserted)


def chatml(messages: Sequence[Message]) -> str:
    turns = "".join(f"<|im_start|>{message.role}\n{message.content}<|im_end|>\n" for message in messages)
    return f"{turns}<|im_start|>assistant\n"


def by_template(source: str) -> Callable[[Sequence[Message]], str]:
    """What transformers makes of a template's text."""
    from transformers.utils.chat_template_utils import _compile_jinja_template

    template = _compile_jinja_template(source)
    return lambda messages: str(
        template.render(messages=[{"role": one.role, "content": one.content} for one in messages])
    )


@pytest.mark.parametrize(
    "rendered",
    [
        chatml([SYSTEM, *SHOWN, USER]),
        f"[INST] {SHOWN[0].content} [/INST]{SHOWN[1].content}</s>[INST] {SYSTEM.content}\n\n{USER.content}[/INST]",
        chatml([SYSTEM, *SHOWN, USER]).replace("\n", " "),
        chatml([SYSTEM, *SHOWN, USER]).replace('"', '\\"').replace(",\n  and", ",\\n  and"),
    ],
    ids=["as it is", "the system message in the last turn", "other white space", "as JSON"],
)
def test_what_a_template_may_do_loses_nothing(rendered: str) -> None:
    assert lost([SYSTEM, *SHOWN, USER], rendered, INSERTED) == Lost()


def test_a_template_may_take_the_reasoning_out_of_what_a_model_said_before() -> None:
    said = Message("assistant", 'Let me see.</think>{"mood": "good"}')
    turns = [Message("user", "Truce"), said, USER]
    assert lost(turns, chatml([turns[0], Message("assistant", '{"mood": "good"}'), USER])) == Lost()


def test_a_system_message_that_is_left_out_is_told_and_no_loss() -> None:
    missing = lost([SYSTEM, *SHOWN, USER], chatml([*SHOWN, USER]), INSERTED)
    assert (missing.system, missing.spoils) == (True, False)


def test_a_field_that_stood_in_the_system_message_alone_is_lost_with_it() -> None:
    system = Message("system", "Judge for readers in Oslo.")
    missing = lost([system, USER], chatml([USER]), (*INSERTED, ("place", "Oslo")))
    assert (missing.spoils, missing.fields) == (True, ("place",))
    assert "the field 'place' of the input" in told(missing)
    assert 'system = "into_user"' in told(missing)


def test_a_field_that_stands_in_a_turn_too_is_not_lost() -> None:
    system = Message("system", "Copper falls,\n  and tin with it")
    assert not lost([system, USER], chatml([USER]), INSERTED).spoils


@pytest.mark.parametrize(
    ("rendered", "fields"),
    [
        (chatml([SYSTEM, *SHOWN]), ("text",)),
        (chatml([SYSTEM, *SHOWN, Message("user", USER.content[:12])]), ("text",)),
        (chatml([SYSTEM, *SHOWN, Message("user", INSERTED[0][1])]), ()),
        (chatml([SYSTEM, USER]), ()),
    ],
    ids=["left out", "cut", "the prompt's own words", "an example"],
)
def test_a_turn_that_is_left_out_or_cut_is_lost(rendered: str, fields: tuple[str, ...]) -> None:
    missing = lost([SYSTEM, *SHOWN, USER], rendered, INSERTED)
    assert (missing.spoils, missing.fields) == (True, fields)


def test_one_stretch_of_the_prompt_does_not_stand_for_two_messages() -> None:
    yes_or_no = Message("system", "Answer yes or no.")
    assert lost([yes_or_no, Message("user", "no")], chatml([yes_or_no])).spoils
    assert lost([Message("system", "no"), Message("user", "yes or no")], chatml([Message("user", "yes or no")])).system
    twice = [Message("user", "Truce"), Message("assistant", "{}"), Message("user", "Truce")]
    assert lost(twice, chatml(twice[:2])).spoils


TEXTS = st.text(min_size=1).map(lambda text: text.encode(errors="ignore").decode()).filter(str.strip)
WRAPS = st.sampled_from([str, str.strip, lambda text: f"\n {text}\t", lambda text: " \n".join(text.split(" "))])


@given(st.lists(TEXTS, min_size=1, max_size=6), st.lists(TEXTS, min_size=7, max_size=7), st.integers(0, 6), WRAPS)
def test_a_prompt_that_keeps_every_text_is_never_refused(
    texts: list[str], between: list[str], place: int, wrap: Callable[[str], str]
) -> None:
    turns = [Message(("user", "assistant")[number % 2], text) for number, text in enumerate(texts)]
    system = Message("system", "Say it.")
    said = [wrap(message.content) for message in (*turns[:place], system, *turns[place:])]
    rendered = "".join(part for pair in zip(between, said, strict=False) for part in pair) + between[-1]
    assert lost([system, *turns], rendered, [("text", texts[-1])]) == Lost()


@given(st.lists(TEXTS, min_size=1, max_size=6), st.data())
def test_a_prompt_that_drops_a_text_which_stands_nowhere_else_is_always_refused(
    texts: list[str], data: st.DataObject
) -> None:
    turns = [Message(("user", "assistant")[number % 2], text) for number, text in enumerate(texts)]
    dropped = data.draw(st.integers(0, len(turns) - 1))
    left = chatml([message for number, message in enumerate(turns) if number != dropped])
    assume("".join(texts[dropped].split()) not in "".join(left.split()))
    assert lost(turns, left).turn is not None


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("{{ raise_exception('No words here') }}", "refuses the prompt: No words here"),
        ("{{ 1 // 0 }}", "ZeroDivisionError: integer division or modulo by zero"),
        ("{{ 'a' + 3 }}", "TypeError: can only concatenate str"),
        ("{{ nothing(3) }}", "UndefinedError: 'nothing' is undefined"),
        ("{% macro f(x) %}{{ f(x) }}{% endmacro %}{{ f(1) }}", "RecursionError: maximum recursion depth exceeded"),
        ("\n{% if messages %}{{ messages[0].content.foo.bar }}{% endif %}", "UndefinedError: 'str object' has no"),
    ],
)
def test_whatever_a_template_raises_is_one_sentence(source: str, said: str) -> None:
    with pytest.raises(NotAnswered) as raised:
        checked(request(SYSTEM, USER), by_template(source), "the template of m")
    told_so = str(raised.value)
    assert told_so.startswith("t-01: the template of m refuses the prompt: ")
    assert said in told_so
    assert "\n" not in told_so


def test_a_template_that_is_no_template_is_told_with_its_line() -> None:
    with pytest.raises(NotAnswered, match=r"TemplateSyntaxError: unexpected '}' \(line 2\)$"):
        checked(request(USER), lambda messages: by_template("\n{{ messages }")(messages), "the template of m")


GEMMA = (
    "{% for m in messages %}{% if m.role == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}"
    "<start_of_turn>{{ m.role }}\n{{ m.content | trim }}<end_of_turn>{% endfor %}"
)
MISTRAL = (
    "{% for m in messages %}{% if (m.role == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}{% endif %}"
    "[INST] {{ m.content }} [/INST]{% endfor %}"
)
ONE_TURN = "{% if messages | length > 1 %}{{ raise_exception('One turn, please') }}{% endif %}{{ messages[0].content }}"


@pytest.mark.parametrize("source", [GEMMA, MISTRAL])
def test_a_template_that_refuses_the_system_role_gets_the_remedy(source: str) -> None:
    with pytest.raises(NotAnswered, match=r"(not supported|alternate .*); set system = \"into_user\" for this alias"):
        checked(request(SYSTEM, *SHOWN, USER), by_template(source), "the template of m")


def test_a_template_that_takes_no_examples_gets_that_remedy() -> None:
    with pytest.raises(NotAnswered, match="One turn, please; it takes one question alone: take few_shot"):
        checked(request(*SHOWN, USER), by_template(ONE_TURN), "the template of m")
    with pytest.raises(NotAnswered, match=r'One turn, please; it takes one turn alone: set system = "into_user", and'):
        checked(request(SYSTEM, *SHOWN, USER), by_template(ONE_TURN), "the template of m")


def test_no_remedy_is_named_that_does_not_help() -> None:
    with pytest.raises(NotAnswered, match=r"refuses the prompt: No words here$"):
        checked(
            request(SYSTEM, *SHOWN, USER), by_template("{{ raise_exception('No words here') }}"), "the template of m"
        )


@pytest.mark.parametrize(
    "source",
    [
        "{% for m in messages %}{% if m.role == 'system' %}{{ m.content }}{% endif %}{% endfor %}",
        "{% for m in messages %}{{ m.content[:20] }}{% endfor %}",
        "{% for m in messages %}{% for part in m.content %}{{ part.text }}{% endfor %}{% endfor %}",
        "{% for m in messages %}{{ m.content | upper }}{% endfor %}",
    ],
    ids=["only the system message", "the first 20 characters", "parts of a content that has none", "another case"],
)
def test_a_prompt_without_the_users_text_is_refused_by_the_name_of_the_field(source: str) -> None:
    with pytest.raises(NotAnswered, match="t-01: the template of m leaves out or cuts the field 'text' of the input"):
        checked(request(SYSTEM, USER), by_template(source), "the template of m")


def test_what_every_prompt_is_refused_for_stops_the_model() -> None:
    errors = [NotAnswered(f"t-{number}: no") for number in range(3)]
    with pytest.raises(BackendDied, match=r"^none of 3 prompts can be asked\. t-0: no$"):
        stop_if_all(errors, 3)
    stop_if_all(errors, 4)
    stop_if_all(errors[:1], 1)


@pytest.mark.parametrize(
    ("first", "last", "cut"),
    [
        ("<s>Say the mood", "assistant\n", False),
        ("<s> say  the MOOD", "ASSISTANT", False),
        ("the mood of", "assistant\n", True),
        ("<s>Say the mood", "Copper fal", True),
    ],
)
def test_tokens_that_hold_less_than_the_prompt_are_seen(first: str, last: str, cut: bool) -> None:
    assert is_cut("<s>Say the mood of: Copper falls\nassistant\n", first, last) is cut
