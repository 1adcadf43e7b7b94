"""What a rendered prompt must hold, whatever chat template made it: the texts that were to be asked.

A template may trim a text, spell it as JSON, put the system message elsewhere, or take the reasoning out of what a
model said before. One that shortens a text or leaves it
out makes a model answer a question that nobody asked. The system message alone may be left out: then it is told.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from evalkit._internal.counts import counted
from evalkit.errors import BackendDied, NotAnswered, describe_error
from evalkit.models.reasoning import split_reasoning
from evalkit.models.request import Message, Request, system_into_user

Render = Callable[[Sequence[Message]], str]
"""Gives messages as a chat template renders them; may raise whatever a template raises."""

_SHOWN = 60
"""Characters of a text that an error shows."""
_WORDS = 300
"""Characters of what a template says that an error shows."""
_END = 8
"""So many characters are compared at each end of a prompt, to see whether its tokens hold all of it."""
_LEAST = 10
"""A question of fewer characters, white space aside, is no sign of its prompt."""
_MARKS = re.compile(r"<[^<>{}]{1,40}>|\[/?\w{1,20}\]|system|user|assistant|human|model", re.IGNORECASE)
_HEADER = 200
"""So many characters some templates add to a system message: the date, or what the model is."""


@dataclass(frozen=True, slots=True)
class Lost:
    """What does not stand in a rendered prompt: the ``system`` message, the first ``turn`` that is missing or cut, and
    the ``fields`` of the input that stood in nothing else."""

    system: bool = False
    turn: Message | None = None
    fields: tuple[str, ...] = ()

    @property
    def spoils(self) -> bool:
        """Whether the prompt asks something else than it should."""
        return self.turn is not None or bool(self.fields)


def lost(messages: Sequence[Message], rendered: str, inserted: Sequence[tuple[str, str]] = ()) -> Lost:
    """What of ``messages`` does not stand in ``rendered``, white space aside: each turn behind the one before it, the
    system message anywhere between them, and no stretch of the prompt for two of them.

    >>> turns = [Message("system", "Be brief."), Message("user", "Hello  you")]
    >>> lost(turns, "[INST] Hello you [/INST]")
    Lost(system=True, turn=None, fields=())
    """
    prompt = _squeezed(rendered)
    turns = [_spellings(message) for message in messages if message.role != "system"]
    system = [_spellings(message) for message in messages if message.role == "system"]
    if any(
        _standing([*turns[:place], *system, *turns[place:]], prompt) == len(messages) for place in range(len(turns) + 1)
    ):
        return Lost()
    missing = _missing(turns, system, prompt)
    if missing is not None:
        turn = [message for message in messages if message.role != "system"][missing]
        return Lost(False, turn, _fields(inserted, lambda text: text not in prompt))
    said = [_squeezed(message.content) for message in messages if message.role != "system"]
    return Lost(True, None, _fields(inserted, lambda text: not any(text in turn for turn in said)))


def lacks_system(messages: Sequence[Message], rendered: str | None) -> bool:
    """Whether the system message was left out of a prompt that is known."""
    return rendered is not None and lost(messages, rendered).system


def checked(request: Request, render: Render, template: str) -> str:
    """The prompt of ``request`` by ``render``; ``template`` is what it is called in an error.

    Raises NotAnswered, in one sentence, with whatever the template raises, or with what is lost in it.
    """
    try:
        rendered = render(request.messages)
    except BackendDied:
        raise
    except Exception as error:  # a template is a small program: it may also divide by zero
        refused = f"{request.example_id}: {template} refuses the prompt: {_words(error)}"
        raise NotAnswered(refused + _remedy(request, render)) from error
    missing = lost(request.messages, rendered, request.inserted)
    if missing.spoils:
        raise NotAnswered(f"{request.example_id}: {template} {told(missing)}")
    return rendered


def told(missing: Lost) -> str:
    """What a template does that loses text, and what to do."""
    if missing.turn is None:
        return (
            f"leaves out the system message, and {_named(missing.fields)} with it, which stands nowhere else in the "
            f'prompt: set system = "into_user" for this alias'
        )
    text = " ".join(missing.turn.content.split())
    shown = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
    what = _named(missing.fields) if missing.fields else f"a part of the {missing.turn.role}'s text {shown!r}"
    return (
        f"leaves out or cuts {what}, which does not stand as it is in the prompt that it renders: mend the template, "
        f"so that it writes out the content of every message"
    )


def in_place_of(messages: Sequence[Message]) -> tuple[Message, ...]:
    """Short messages in the same turns, for asking whether it is for their length that some are left out."""
    return tuple(
        Message(message.role, f"This is text {number} of the conversation, in the place of another one.")
        for number, message in enumerate(messages)
    )


def in_front(answer: str, messages: Sequence[Message], rendered: str | None) -> bool:
    """Whether ``answer`` begins with the whole prompt, white space aside: as it was ``rendered``, or as its messages
    with no more than the marks of a template before and between them.

    >>> asked = [Message("system", "Be brief."), Message("user", "Is it a rumour, yes or no?")]
    >>> in_front("system\\nBe brief.\\nuser\\nIs it a rumour, yes or no?\\nassistant\\nno", asked, None)
    True
    >>> in_front("Be brief? Is it a rumour, yes or no? It is none.", asked, None)
    False
    """
    text, question = _squeezed(answer), _squeezed(messages[-1].content) if messages else ""
    if rendered and text.startswith(_squeezed(rendered)):
        return True
    before, found, _ = text.partition(question)
    if len(question) < _LEAST or not found:
        return False
    others = [_squeezed(message.content) for message in messages[:-1]]
    whole = all(other in before for other in others)
    for other in sorted(others, key=len, reverse=True):
        before = before.replace(other, " ")
    rest = _MARKS.sub("", before)
    only_marks = re.search(r"[\w{}]", rest) is None
    return only_marks or (whole and bool(others) and "{" not in rest and len(rest) <= _HEADER)


def stop_if_all(refused: Sequence[NotAnswered], asked: int) -> None:
    """Raises BackendDied where every one of several prompts that were to be ``asked`` was ``refused``: then it is no
    example's fault."""
    if asked > 1 and len(refused) == asked:
        raise BackendDied(f"none of {counted(asked, 'prompt')} can be asked. {refused[0]}")


def is_cut(rendered: str, first: str, last: str) -> bool:
    """Whether the tokens of ``rendered`` hold less than all of it, by what their ``first`` and ``last`` ones decode to.

    A tokenizer may change case, accents and white space; one that truncates loses an end.
    """
    whole, first, last = _folded(rendered), _folded(first), _folded(last)
    begins, ends = min(_END, len(whole), len(first)), min(_END, len(whole), len(last))
    return whole[:begins] != first[:begins] or whole[len(whole) - ends :] != last[len(last) - ends :]


def _missing(turns: Sequence[Sequence[str]], system: Sequence[Sequence[str]], prompt: str) -> int | None:
    """The first of ``turns`` that does not stand in ``prompt``; None where the system message does not."""
    found = _standing(turns, prompt)
    if found < len(turns):
        return found
    # Of two texts that have one stretch between them, the longer one is there.
    for text in (text for spellings in system for text in spellings if text in prompt):
        found = _standing(turns, prompt.replace(text, "\0", 1))
        if found < len(turns) and len(turns[found][0]) <= len(text):
            return found
    return None


def _standing(texts: Sequence[Sequence[str]], prompt: str) -> int:
    """How many of ``texts``, each in one of its spellings, stand in ``prompt`` one behind the other."""
    at = 0
    for number, spellings in enumerate(texts):
        ends = [place + len(text) for text in spellings if (place := prompt.find(text, at)) >= 0]
        if not ends:
            return number
        at = min(ends)
    return len(texts)


def _spellings(message: Message) -> tuple[str, ...]:
    """A text as a template may write it, without white space: as it is, as JSON, and what a model said before without
    its reasoning."""
    text = message.content
    in_json = (json.dumps(text, ensure_ascii=ascii_only)[1:-1] for ascii_only in (False, True))
    said = (split_reasoning(text).answer,) if message.role == "assistant" else ()
    return tuple(dict.fromkeys(map(_squeezed, (text, *in_json, *said))))


def _squeezed(text: str) -> str:
    return "".join(text.split())


def _folded(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text).casefold()
    return "".join(letter for letter in plain if not letter.isspace() and not unicodedata.combining(letter))


def _fields(inserted: Sequence[tuple[str, str]], is_lost: Callable[[str], bool]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for name, text in inserted if is_lost(_squeezed(text))))


def _named(fields: Sequence[str]) -> str:
    noun = "field" if len(fields) == 1 else "fields"
    return f"the {noun} {', '.join(map(repr, fields))} of the input"


def _words(error: Exception) -> str:
    """What a template raised, in one line. What it says on purpose speaks for itself."""
    on_purpose = isinstance(error, NotAnswered) or type(error).__name__ == "TemplateError"
    words = " ".join((str(error) if on_purpose else describe_error(error)).split())
    words = words if len(words) <= _WORDS else f"{words[:_WORDS]}..."
    line = getattr(error, "lineno", None)
    return words if line is None else f"{words} (line {line})"


def _remedy(request: Request, render: Render) -> str:
    """What makes the template take the prompt, where that is known: tried, not guessed."""
    joined = system_into_user(request.messages)
    if joined != request.messages and _takes(joined, render):
        return '; set system = "into_user" for this alias, which joins the system message to the first user\'s turn'
    alone = tuple(message for message in request.messages[:-1] if message.role == "system") + request.messages[-1:]
    if alone != request.messages:
        if _takes(alone, render):
            return "; it takes one question alone: take few_shot (or retries) away from this alias"
        if _takes(system_into_user(alone), render):
            return '; it takes one turn alone: set system = "into_user", and take few_shot (or retries) away'
    return ""


def _takes(messages: Sequence[Message], render: Render) -> bool:
    try:
        return not lost(messages, render(messages)).spoils
    except BackendDied:
        raise
    except Exception:
        return False
