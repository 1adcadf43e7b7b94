"""What an alias hands to the chat template of its model: ``thinking`` on or off, and arguments of the template's own.

Templates have several names for one switch. A switch that a template does not have, and an argument that it never
reads, would change nothing without a word: both are found here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from evalkit._internal.bounded import Failed, OutOfBounds, bounded
from evalkit._internal.toml import as_toml
from evalkit.errors import BackendDied, ConfigError

SWITCHES = ("enable_thinking", "thinking")
"""What templates call the switch: Qwen, GLM and most others by the first name, DeepSeek and Granite by the second."""

_OURS = frozenset({"messages", "conversation", "chat_template", "tokenize", "add_generation_prompt", "bos_token",
                   "eos_token", "continue_final_message", "return_tensors", "return_dict", "padding", "truncation",
                   "max_length", "tokenizer_kwargs", "return_assistant_tokens_mask"})  # fmt: skip
"""What every prompt is rendered with: no arguments of an alias."""


@dataclass(frozen=True, slots=True)
class TemplateArguments:
    """How an alias has its prompts rendered. ``thinking`` is None where the template's own default holds."""

    thinking: bool | None = None
    arguments: Mapping[str, Any] = field(default_factory=dict, hash=False)

    def __bool__(self) -> bool:
        return self.thinking is not None or bool(self.arguments)

    def problem(self) -> str | None:
        """Why these can't be handed over, and what to do; None where they can."""
        if taken := sorted(_OURS & self.arguments.keys()):
            return f"template has {', '.join(taken)}, which every prompt is rendered with: take it away"
        if self.thinking is not None and (both := [name for name in SWITCHES if name in self.arguments]):
            return f"thinking and template.{both[0]} are one switch: take one of them away"
        return None

    @property
    def keywords(self) -> dict[str, Any]:
        """All of them by the names that templates know."""
        switches = {} if self.thinking is None else dict.fromkeys(SWITCHES, self.thinking)
        return {**switches, **self.arguments}

    @property
    def fingerprint(self) -> dict[str, Any]:
        """Their part of a model's fingerprint; empty where nothing is set."""
        switch = {} if self.thinking is None else {"thinking": self.thinking}
        stated = {**switch, **({"arguments": dict(self.arguments)} if self.arguments else {})}
        return {"template_arguments": stated} if stated else {}

    def describe(self) -> str:
        """The same for a reader of a report; empty where nothing is set.

        >>> TemplateArguments(False, {"reasoning_effort": "low"}).describe()
        "thinking = false, template.reasoning_effort = 'low'"
        """
        switch = [] if self.thinking is None else [f"thinking = {as_toml(self.thinking)}"]
        return ", ".join([*switch, *(f"template.{name} = {as_toml(value)}" for name, value in self.arguments.items())])

    def refused_by(self, spec: object, keys: Iterable[str], why: str) -> None:
        """Raises ConfigError where one of ``keys`` ("thinking", "template") is set, which ``spec`` can't obey."""
        stated = {"thinking": self.thinking is not None, "template": bool(self.arguments)}
        if refused := [key for key in keys if stated[key]]:
            raise ConfigError(f"{spec}: {refused[0]} is set for this alias, and {why}")


NO_ARGUMENTS = TemplateArguments()


def check_obeyed(
    where: str, template: TemplateArguments, source: str | None, render: Callable[[Mapping[str, Any]], str]
) -> None:
    """Raises BackendDied where the chat template would not heed ``template``.

    ``source`` is its text, None where nobody tells. ``render`` gives one prompt as it is rendered with these arguments:
    a switch that renders the same prompt on and off is none.
    """
    reads = [name for name in _EFFORTS if source and _reads(source, name)]
    same = False
    if template.thinking is not None:
        on, off = (TemplateArguments(thinking, template.arguments).keywords for thinking in (True, False))
        with suppress(Exception):  # what refuses this prompt says so where the prompt is asked
            same = render(on) == render(off)
        if same:
            other = next((name for name in reads if name not in SWITCHES), "")
            remedy = f"It reads {other}: set template = {{ {other} = ... }} in its place" if other else "Take it away"
            raise BackendDied(
                f"{where}: thinking = {as_toml(template.thinking)}, and the chat template knows no such switch: a "
                f"prompt is the same with it on and off. {remedy}"
            )
    if source and (idle := [name for name in template.arguments if not _reads(source, name)]):
        raise BackendDied(
            f"{where}: the chat template never reads {', '.join(idle)} (set in `template` of this alias): take it away"
            + (f"; it reads {', '.join(reads)}" if reads else "")
        )


_MAY_RUN_ON = re.compile(r"\brange\s*\(|\bmacro\b|\brecursive\b|\*\s*\d")
"""What a template has that may repeat for ever, or grow: a loop over the messages alone comes to its end."""


def need_end(source: str, where: str) -> None:
    """Raises BackendDied where the chat template ``source`` does not come to its end.

    One that might not is tried once, in a process that is ended after two seconds: the engines render it in this one,
    where nobody could end it."""
    if not _MAY_RUN_ON.search(source):
        return
    try:
        bounded("evalkit.models.chat_rendering:length", source)
    except OutOfBounds as error:
        raise BackendDied(f"{where}: its chat template does not come to its end: {error}") from error
    except Failed as error:
        # A loop that the sandbox refuses, and a call of itself, which end an engine in C++ without a word.
        if error.kind in ("OverflowError", "RecursionError"):
            raise BackendDied(f"{where}: its chat template does not come to its end: {error}") from error
        # Anything else may be for want of what only its engine has.


def own_default(source: str | None) -> bool | None:
    """What ``enable_thinking`` is where nobody sets it, by how the template ``source`` then renders. None where it has
    no such switch, or can't be tried.

    An engine that always sets it, as llama.cpp does, may set it otherwise than the template's makers meant.
    """
    if not source or not _reads(source, SWITCHES[0]):
        return None
    try:
        unset, on, off = (_tried(source, more) for more in ({}, {SWITCHES[0]: True}, {SWITCHES[0]: False}))
    except Exception:  # a template is a small program, and may want what only its engine has
        return None
    return None if on == off or unset not in (on, off) else unset == on


def _tried(source: str, keywords: Mapping[str, bool]) -> str:
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols"]
    )
    messages = [{"role": "user", "content": "?"}]
    return environment.from_string(source).render(messages=messages, add_generation_prompt=True, **keywords)


_EFFORTS = ("reasoning_effort", "thinking_budget", "reasoning", *SWITCHES)
"""Arguments by which templates are told how much to reason, beside a switch."""


def _reads(source: str, name: str) -> bool:
    return re.search(rf"(?<![\w.]){re.escape(name)}\b", source) is not None
