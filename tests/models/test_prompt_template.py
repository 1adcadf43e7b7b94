"""A prompt's template says the same wherever it is filled, and costs no more than it may."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalkit._internal.bounded import Failed, OutOfBounds, bounded
from evalkit.errors import ConfigError
from evalkit.models.prompt_template import MOST, fill, filled, is_plain
from evalkit.models.request import render

if TYPE_CHECKING:
    from conftest import MiniProject

TEMPLATES = (
    "{{ text }}",
    "{{ text | json }} {{ tags | join(', ') }}",
    "{% if text %}a{{ text | trim }}{% else %}b{% endif %}",
    "{% for one in tags %}- {{ one | upper }}\n{% endfor %}",
    "{{ '%s!' | format(text) }}{{ text ~ tags[0] }}",
)
JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists, max_leaves=4)


@settings(deadline=None)  # the first one starts the process
@given(st.sampled_from(TEMPLATES), st.fixed_dictionaries({"text": JSON, "tags": st.lists(st.text(), min_size=1)}))
def test_a_template_is_filled_in_the_other_process_as_here(source: str, inputs: dict[str, object]) -> None:
    def here() -> str:
        try:
            return filled(source, inputs)
        except Exception as error:
            return str(error)

    def there() -> str:
        try:
            return str(bounded("evalkit.models.prompt_template:filled", source, inputs))
        except Exception as error:
            return str(error)

    assert there() == here()


@pytest.mark.parametrize(
    ("source", "plain"),
    [
        (TEMPLATES[0], True),
        (TEMPLATES[1], True),
        (TEMPLATES[2], True),
        ("{% if text == 'a' and tags is defined %}{{ place.town }}{% endif %}", True),
        (TEMPLATES[3], False),
        ("{% macro m(x) %}{{ m(x) }}{% endmacro %}", False),
        ("{{ 'a' * 10**9 }}", False),
        ("{{ 'a' | center(10**9) }}", False),
        ("{{ text.join(tags) }}", False),
        ("{{ text | json | json }}", False),
        ("{{ text | join(text) }}", False),
    ],
)
def test_only_what_repeats_or_grows_is_filled_elsewhere(source: str, plain: bool) -> None:
    assert is_plain(source) is plain


@pytest.mark.parametrize(
    "source",
    [
        "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
        "{{ 10 ** (10 ** 10) }}",
        "{{ 'a' * 10**11 }}",
        "{{ '%1000000001d' | format(1) }}",
        "{% for a in range(99999) %}{{ text }}{% endfor %}",
    ],
)
def test_a_prompt_that_is_out_of_bounds_names_its_task_and_example(project: MiniProject, source: str) -> None:
    task = project.task()
    endless = replace(task, prompt=replace(task.prompt, user=source))
    with pytest.raises(ConfigError, match=re.escape("task.toml: [prompt] user: ") + "(?s:.*)example t-01"):
        render(endless, task.splits["test"][0])


@pytest.mark.parametrize("source", ["{{ text }}{{ text }}", "{% for one in [1, 2] %}{{ text }}{% endfor %}"])
def test_a_prompt_has_a_million_characters_at_most(source: str) -> None:
    assert len(fill(source, {"text": "x" * (MOST // 2)})) == MOST
    with pytest.raises((OutOfBounds, Failed), match="1,000,000 characters"):
        fill(source, {"text": "x" * (MOST // 2 + 1)})


def test_a_macro_that_calls_itself_is_an_error_like_any_other() -> None:
    with pytest.raises((OutOfBounds, Failed), match=r"recursion|2 seconds"):
        fill("{% macro m(x) %}{{ m(x) }}{% endmacro %}{{ m(1) }}", {})
