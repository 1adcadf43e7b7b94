"""Renders a chat template as transformers does, for an engine that has another template than the one that is needed."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any


def render_chat(
    template: str,
    messages: Sequence[Mapping[str, str]],
    specials: Mapping[str, str],
    arguments: Mapping[str, Any],
) -> str:
    """The prompt that asks for an answer to ``messages``. Raises jinja2's errors, TemplateError and others.

    ``specials`` are the special tokens by their role (``bos_token``), ``arguments`` what else the template is handed.

    >>> render_chat("{{ bos_token }}{{ messages[0]['content'] }}", [{"role": "user", "content": "Hi"}], {}, {})
    'Hi'
    """
    given = {"messages": list(messages), "tools": None, "documents": None, "add_generation_prompt": True}
    return str(_compiled(template).render({**given, **specials, **arguments}))


def length(template: str) -> int:
    """How long a short prompt of ``template`` is, however long that takes."""
    messages = [{"role": "system", "content": "?"}, {"role": "user", "content": "?"}]
    return len(render_chat(template, messages, {}, {}))


@lru_cache(maxsize=16)
def _compiled(template: str) -> Any:
    from jinja2 import nodes
    from jinja2.exceptions import TemplateError
    from jinja2.ext import Extension, loopcontrols
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    class Generation(Extension):
        """``{% generation %}`` marks for a trainer what the model is to write; here it is text like any other."""

        tags = {"generation"}  # noqa: RUF012

        def parse(self, parser: Any) -> nodes.Node:
            line = next(parser.stream).lineno
            body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
            return nodes.Scope(body).set_lineno(line)

    def refuse(message: str) -> None:
        raise TemplateError(message)

    def as_json(value: Any, ensure_ascii: bool = False, **how: Any) -> str:
        return json.dumps(value, ensure_ascii=ensure_ascii, **how)

    # Sandboxed: the template comes with weights from elsewhere, and must never run code.
    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[Generation, loopcontrols], autoescape=False
    )
    environment.filters["tojson"] = as_json  # Jinja's own escapes what HTML would not bear
    environment.globals["raise_exception"] = refuse
    environment.globals["strftime_now"] = lambda form: datetime.now().strftime(form)
    return environment.from_string(template)
