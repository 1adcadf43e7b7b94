"""A chat template is rendered as transformers renders it."""

from __future__ import annotations

import pytest
from jinja2 import TemplateError

from evalkit.models.chat_rendering import render_chat

TURNS = [{"role": "system", "content": 'Be <brief> & "exact"'}, {"role": "user", "content": "Übung 1\n"}]
TEMPLATES = [
    "{% for m in messages %}### {{ m['role'] }}:\n{{ m['content'] }}\n{% endfor %}### answer:\n",
    "{{ bos_token }}{%- for m in messages %}\n  {% if m.role == 'user' %}[{{ m.content }}]\n {% endif %}{% endfor %}",
    "{{ messages | tojson }}{{ {'b': 1, 'a': 'é'} | tojson(indent=2) }}",
    "{% for m in messages %}{% if loop.first %}{% continue %}{% endif %}{{ m.content }}{% endfor %}",
    "{% generation %}{{ messages[1].content }}{% endgeneration %}{% if add_generation_prompt %}<a>{% endif %}",
    "{% set ns = namespace(n=0) %}{% for m in messages %}{% set ns.n = ns.n + 1 %}{% endfor %}{{ ns.n }}",
    "{{ 'tools' if tools else 'none' }} {{ tools is none }} {{ documents is none }} {{ depth | default('unset') }}",
    "{{ strftime_now('%Y') }}{{ eos_token }}{{ depth }}",
]


@pytest.mark.real
@pytest.mark.parametrize("template", TEMPLATES)
def test_it_is_the_text_that_transformers_makes(template: str) -> None:
    from transformers.utils.chat_template_utils import render_jinja_template

    specials, arguments = {"bos_token": "<s>", "eos_token": "</s>"}, {"depth": 3}
    [theirs], _ = render_jinja_template(
        [TURNS], chat_template=template, add_generation_prompt=True, **specials, **arguments
    )
    assert render_chat(template, TURNS, specials, arguments) == theirs


def test_a_template_that_refuses_says_its_own_words() -> None:
    with pytest.raises(TemplateError, match=r"^No system role$"):
        render_chat("{{ raise_exception('No system role') }}", TURNS, {}, {})


def test_a_template_can_run_no_code() -> None:
    with pytest.raises(TemplateError, match="unsafe"):
        render_chat("{{ ''.__class__.__mro__[1].__subclasses__() }}", TURNS, {}, {})
