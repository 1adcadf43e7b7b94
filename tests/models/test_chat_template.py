"""What an alias hands to its chat template: the names, the fingerprint, and a template that does not heed it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from evalkit.errors import BackendDied
from evalkit.models.chat_template import NO_ARGUMENTS, TemplateArguments, check_obeyed, need_end, own_default

QWEN = "{% if enable_thinking is defined and not enable_thinking %}<think>\n\n</think>{% endif %}"
HARMONY = "{%- if reasoning_effort is not defined %}{%- set reasoning_effort = 'medium' %}{%- endif %}"
PLAIN = "{{ message.thinking }}{{ message['content'] }}"


def renders(source: str) -> Callable[[Mapping[str, Any]], str]:
    def render(keywords: Mapping[str, Any]) -> str:
        from jinja2 import Environment

        return Environment().from_string(source).render(message={}, **keywords)

    return render


def check(template: TemplateArguments, source: str) -> None:
    check_obeyed("model.gguf", template, source, renders(source))


def test_the_switch_goes_by_every_name_that_templates_have_for_it() -> None:
    assert TemplateArguments(False, {"a": 1}).keywords == {"enable_thinking": False, "thinking": False, "a": 1}


def test_what_is_not_set_is_in_no_fingerprint() -> None:
    assert (NO_ARGUMENTS.fingerprint, NO_ARGUMENTS.keywords, bool(NO_ARGUMENTS)) == ({}, {}, False)


def test_on_and_off_and_each_argument_have_fingerprints_of_their_own() -> None:
    every = [TemplateArguments(True), TemplateArguments(False), TemplateArguments(None, {"a": 1})]
    prints = [template.fingerprint for template in (*every, TemplateArguments(True, {"a": 1}))]
    assert all(prints.count(one) == 1 for one in prints)


@pytest.mark.parametrize("thinking", [True, False])
def test_a_template_with_the_switch_is_let_pass(thinking: bool) -> None:
    check(TemplateArguments(thinking), QWEN)


@pytest.mark.parametrize("thinking", [True, False])
def test_a_template_without_the_switch_is_told(thinking: bool) -> None:
    with pytest.raises(BackendDied, match=r"model\.gguf: thinking = .*knows no such switch.* Take it away"):
        check(TemplateArguments(thinking), PLAIN)


def test_a_template_with_degrees_in_place_of_a_switch_names_its_argument() -> None:
    with pytest.raises(BackendDied, match=r"It reads reasoning_effort: set template = \{ reasoning_effort = "):
        check(TemplateArguments(False), HARMONY)
    check(TemplateArguments(None, {"reasoning_effort": "low"}), HARMONY)


def test_an_argument_that_the_template_never_reads_is_told() -> None:
    with pytest.raises(BackendDied, match=r"never reads thinking_budget .*; it reads enable_thinking"):
        check(TemplateArguments(None, {"thinking_budget": 0}), QWEN)
    with pytest.raises(BackendDied, match="never reads thinking"):  # a field of a message is no argument
        check(TemplateArguments(None, {"thinking": False}), PLAIN)


@pytest.mark.parametrize(
    ("template", "said"),
    [
        (TemplateArguments(None, {"messages": []}), "messages, which every prompt is rendered with"),
        (TemplateArguments(True, {"enable_thinking": True}), "are one switch"),
    ],
)
def test_what_cannot_be_handed_over_has_a_reason(template: TemplateArguments, said: str) -> None:
    assert said in (template.problem() or "")


@pytest.mark.parametrize(
    ("source", "default"),
    [
        (QWEN, True),
        ("{% if enable_thinking %}<think>{% else %}<think></think>{% endif %}", False),
        (PLAIN, None),
        (HARMONY, None),
        ("{% if enable_thinking %}", None),
        ("{{ raise_exception(enable_thinking) }}", None),
        ("", None),
    ],
)
def test_the_default_of_the_switch_is_the_templates_own(source: str, default: bool | None) -> None:
    assert own_default(source) is default


@pytest.mark.parametrize(
    "source",
    [
        "{% for one in range(10**9) %}x{% endfor %}",
        "{% for one in range(99999) %}{% for two in range(99999) %}x{% endfor %}{% endfor %}",
        "{{ 'x' * 9999999999 }}",
        "{% macro m(x) %}{{ m(x) }}{% endmacro %}{{ m(1) }}",
    ],
)
def test_a_template_that_does_not_come_to_its_end_is_refused_before_it_is_used(source: str) -> None:
    with pytest.raises(BackendDied, match=r"/models/it: its chat template does not come to its end"):
        need_end(source, "/models/it")


@pytest.mark.parametrize(
    "source",
    [
        "{% for m in messages %}{{ m.content }}{% endfor %}",
        "{% macro m(x) %}{{ x }}{% endmacro %}{{ m(1) }}",
        "{% for n in range(3) %}{{ wanted_by_its_engine() }}{% endfor %}",
    ],
)
def test_one_that_ends_or_wants_what_only_its_engine_has_is_left_to_the_engine(source: str) -> None:
    need_end(source, "/models/it")


def test_a_template_that_can_only_end_starts_no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("evalkit.models.chat_template.bounded", lambda *_: pytest.fail("a process was started"))
    need_end("{% for m in messages %}{{ m.content }}{% endfor %}", "/models/it")
