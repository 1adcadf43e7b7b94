"""Tells reasoning from the answer: the marks that models put around it, and where it begins and ends in a text.

``MARKS`` is the one table of them; an alias may add a pair of its own (``reasoning = ["<a>", "</a>"]``).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from itertools import chain

OBJECT = re.compile(r'\{[ \t\n\r]*["}]')
"""The beginning of a JSON object."""


@dataclass(frozen=True, slots=True)
class Mark:
    """How a family of models sets its reasoning apart.

    ``opens`` begins the reasoning. ``closes`` ends it, and ``respelled`` are other ways to write that; ``also_closes``
    ends it too. Where ``alone``, ``closes`` ends it where nothing opened it, because a chat template may have written
    the opening itself. What is not ``alone`` may be text elsewhere, and is a mark only where both stand. ``label`` is
    what may stand between the opening and the reasoning.
    """

    opens: str
    closes: str
    also_closes: tuple[str, ...] = ()
    label: str = ""
    respelled: tuple[str, ...] = ()
    alone: bool = True

    @property
    def ends(self) -> tuple[str, ...]:
        """All that ends it."""
        return (self.closes, *self.respelled, *self.also_closes)

    @property
    def ends_alone(self) -> tuple[str, ...]:
        """All that ends it where nothing opened it."""
        return (self.closes, *self.respelled) if self.alone else ()


def _cases(name: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys((name, name.upper(), name.capitalize())))


_PROSE = {"reason", "plan", "planning"}
"""Names of tags that are words of any prose too: "<plan b>" is no tag."""


def _tags(*names: str) -> tuple[Mark, ...]:
    """Tags that models mix up, as they write them: in three cases, spaced, with attributes, escaped for HTML."""
    spelled = [(case, name) for name in names for case in _cases(name)]
    closings = [
        form.format(case)
        for case, _ in spelled
        for form in ("</{}>", "</{} >", "</ {}>", "</ {} >", "< /{}>", "< /{} >", "< / {} >", "&lt;/{}&gt;")
    ]
    return tuple(
        Mark(form.format(case), f"</{case}>", respelled=tuple(each for each in closings if each != f"</{case}>"))
        for form in ("<{}>", "<{} ", "< {}>", "< {} >", "&lt;{}&gt;")
        for case, name in spelled
        if form != "<{} " or name not in _PROSE
    )


_FINAL = "<|channel|>final"
THINK, *_THINKS = _tags(
    "think", "thinking", "thought", "thoughts", "inner_thoughts", "antThinking", "seed:think", "mm:think",
    "longcat_think",
)  # fmt: skip
"""The commonest mark, and the one that our own training writes."""

_TAGS = (
    ("reasoning", "reason", "internal_reasoning"),
    ("cot", "chain_of_thought", "chain-of-thought"),
    ("scratchpad", "scratch_pad", "scratch-pad"),
    ("inner_monologue", "internal_monologue"),
    ("plan", "planning"),
    ("reflection",),
    ("analysis",),
)

MARKS: tuple[Mark, ...] = (
    THINK,
    *_THINKS,
    *chain.from_iterable(_tags(*names) for names in _TAGS),
    Mark("[THINK]", "[/THINK]"),  # Magistral
    Mark("[think]", "[/think]"),
    Mark("<|channel|>analysis", _FINAL, ("<|end|>",), "<|message|>"),  # harmony
    Mark("<|channel|>commentary", _FINAL, ("<|end|>",), "<|message|>"),
    Mark("<|channel>", "<channel|>", (), "thought"),  # Gemma 4
    Mark("<unused94>", "<unused95>", (), "thought"),  # MedGemma
    Mark("<|START_THINKING|>", "<|END_THINKING|>"),  # Command A
    Mark("<|begin_of_thought|>", "<|end_of_thought|>"),
    Mark("<|think|>", "<|/think|>", ("<|end|>",)),  # the latter Solar
    Mark("<|thinking|>", "<|/thinking|>"),
    Mark("<|begin_of_thinking|>", "<|end_of_thinking|>"),
    Mark("<｜begin▁of▁thinking｜>", "<｜end▁of▁thinking｜>"),
    Mark("◁think▷", "◁/think▷"),  # Kimi
    Mark("Here are my reasoning steps:", "[BEGIN FINAL RESPONSE]"),  # Apriel
    *(
        Mark(
            f"Here{be} my thought process:",
            "Here is my response:",
            ("Here's my response:", "Here’s my response:"),
            alone=False,
        )
        for be in (" is", "'s", "’s")
    ),  # Granite
    *(Mark(f"<details{end}", "</details>", alone=False) for end in (">", " ")),
    *(
        Mark(f"```{name}", "```", alone=False)
        for name in ("think", "thinking", "thought", "thoughts", "reasoning", "analysis", "scratchpad", "plan")
    ),
)
"""Every mark of reasoning that is known."""

BARE = Mark(
    "analysis",
    "assistantfinal",
    respelled=("assistantfinal json", "assistantfinaljson", "assistant\nfinal", "assistant final\n"),
)
"""What is left of harmony's marks where a server took the special tokens out. It opens at the beginning of an answer
only, and only where it closes."""

_FINALS = (_FINAL, *BARE.ends)
"""What names the channel of an answer, whether or not there was another."""

_HEADER = re.compile(
    r"\s*(?:<\|start\|>assistant)?\s*(?:<\|channel\|>final)?[^<{]{0,40}(?:<\|constrain\|>\w+)?<\|message\|>"
)
"""What harmony writes between its reasoning and the answer."""

_MOST_TRIES = 100
"""At so many places outside reasoning at most an object is read, for the marks that stand in its texts."""

_decoder = json.JSONDecoder()


@dataclass(frozen=True, slots=True)
class Split:
    """A text without its reasoning. ``thinking`` is None where there is none, ``closed`` false where it never ends."""

    thinking: str | None
    answer: str
    closed: bool = True


def marks_with(own: Sequence[str] = ()) -> tuple[Mark, ...]:
    """All marks, with the pair of an alias before them."""
    return (Mark(own[0], own[1]), *MARKS) if own else MARKS


def opened_by_prompt(rendered: str | None, prefill: str, own: Sequence[str] = ()) -> Mark | None:
    r"""The mark that the prompt itself opens, so that an answer begins inside the reasoning; None where it opens none.

    ``rendered`` is the prompt that the model read, ``prefill`` included; None where it is not known.

    >>> opened_by_prompt("<|im_start|>assistant\n<think>\n", "").opens
    '<think>'
    """
    if rendered is None:
        return None
    prompt = rendered.removesuffix(prefill).rstrip()
    for mark in (mark for mark in marks_with(own) if mark.alone):
        if prompt.endswith(mark.opens.rstrip()) or (mark.label and prompt.endswith(mark.opens + mark.label)):
            return mark
    return None


def split_reasoning(text: str, own: Sequence[str] = ()) -> Split:
    """Takes the reasoning out of ``text``. Time is linear in it.

    Several stretches are joined by a line break. A mark in a string of a JSON object that stands outside reasoning is
    text like any other, and so is an opening behind an object that no other object follows. Where a mark closes that
    nothing opened, all before it is reasoning. Of reasoning that never closes all is reasoning.

    >>> split_reasoning('<think>a cut, so YES</think>{"direction": 1}')
    Split(thinking='a cut, so YES', answer='{"direction": 1}', closed=True)
    >>> split_reasoning('A cut: {"direction": -1}? No.</think>{"direction": 1}').answer
    '{"direction": 1}'
    """
    marks = marks_with(own)
    if not marks_in(marks).search(text):
        return Split(None, text)
    if text.lstrip().startswith(BARE.opens) and _ends(BARE).search(text):
        marks = (*marks, BARE)
        text = text.lstrip()
    return _Splitter(text, marks).split()


@dataclass(slots=True)
class _Splitter:
    """Walks through a text once. ``outside`` are the stretches that are no reasoning, up to ``begin``."""

    text: str
    marks: tuple[Mark, ...]
    thinking: list[str] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)
    begin: int = 0
    objects: int = 0
    tries: int = 0
    endless: set[Mark] = field(default_factory=set)

    def split(self) -> Split:
        last_object = max((match.start() for match in OBJECT.finditer(self.text)), default=-1)
        pattern, openings, closings = _patterns(self.marks)
        at = 0
        while match := pattern.search(self.text, at):
            at = match.end()
            if match[0] in closings:
                self._close(match)
            elif match[0] in openings:
                mark = openings[match[0]]
                if mark is BARE and match.start() > 0:
                    continue
                end = self._end_of(mark, at)
                if end is None and not self.objects and mark.alone:
                    return self._split_endless(mark, match)
                if end is None or (self.objects and last_object < end.end()):
                    at = match.end() if end is None else end.end()
                    continue
                self.outside.append(self.text[self.begin : match.start()])
                self.thinking.append(self._without_label(self.text[at : end.start()], mark))
                self.begin = at = end.end()
            else:
                at = self._pass_object(match.start())
        answer = [*self.outside, self.text[self.begin :]]
        if self.begin and "<|message|>" in answer[-1]:
            answer[-1] = _HEADER.sub("", answer[-1], count=1)
        thinking = "\n".join(filter(None, self.thinking)) if self.thinking else None
        return Split(thinking, "".join(answer))

    def _close(self, match: re.Match[str]) -> None:
        """All before a mark that nothing opened is reasoning."""
        before = "".join([*self.outside, self.text[self.begin : match.start()]])
        if match[0] == _FINAL:
            before = before.removesuffix("<|start|>assistant")
        if before.strip() or match[0] not in _FINALS:
            self.thinking.append(before)
        self.outside, self.begin, self.objects = [], match.end(), 0

    def _end_of(self, mark: Mark, at: int) -> re.Match[str] | None:
        if mark in self.endless:
            return None
        end = _ends(mark).search(self.text, at)
        if end is None:
            self.endless.add(mark)
        return end

    def _split_endless(self, mark: Mark, match: re.Match[str]) -> Split:
        thinking = [*self.thinking, self._without_label(self.text[match.end() :], mark)]
        return Split("\n".join(thinking), "".join([*self.outside, self.text[self.begin : match.start()]]), closed=False)

    def _without_label(self, thinking: str, mark: Mark) -> str:
        return thinking.removeprefix(mark.label) if mark.label else thinking

    def _pass_object(self, start: int) -> int:
        """Where to go on behind a brace: behind the object that begins there, where one does."""
        if self.tries >= _MOST_TRIES:
            return start + 1
        self.tries += 1
        try:
            _, end = _decoder.raw_decode(self.text, start)
        except (ValueError, RecursionError):
            return start + 1
        self.objects += 1
        return end


@lru_cache(maxsize=16)
def _patterns(marks: tuple[Mark, ...]) -> tuple[re.Pattern[str], dict[str, Mark], frozenset[str]]:
    """What to look for outside reasoning: an object, an opening, or an end that nothing opened."""
    openings = {mark.opens: mark for mark in marks}
    closings = _closings(marks)
    return re.compile(f"{any_of((*openings, *closings))}|{OBJECT.pattern}"), openings, closings


@lru_cache(maxsize=64)
def _ends(mark: Mark) -> re.Pattern[str]:
    return re.compile(any_of(mark.ends))


def _closings(marks: tuple[Mark, ...]) -> frozenset[str]:
    return frozenset(end for mark in (*marks, BARE) for end in mark.ends_alone)


def marks_in(marks: tuple[Mark, ...]) -> re.Pattern[str]:
    """A pattern for whatever opens reasoning, or closes what nothing opened."""
    # To look it up by two hundred marks takes longer than all else that is done to an answer.
    return _all_marks() if marks is MARKS else _marks_in(marks)


@cache
def _all_marks() -> re.Pattern[str]:
    return _marks_in(MARKS)


@lru_cache(maxsize=16)
def _marks_in(marks: tuple[Mark, ...]) -> re.Pattern[str]:
    return re.compile(any_of((*(mark.opens for mark in marks), *_closings(marks))))


def any_of(words: Iterable[str]) -> str:
    """A pattern for the longest of ``words`` that stands there, which looks at each character once.

    >>> any_of(["<a>", "<a>b", "<c>"])
    '<(?:a>(?:b)?|c>)'
    """
    heads: dict[str, list[str]] = {}
    for word in words:
        heads.setdefault(word[:1], []).append(word[1:])
    is_end = heads.pop("", None) is not None
    branches = [re.escape(head) + any_of(rests) for head, rests in heads.items()]
    if not is_end:
        return branches[0] if len(branches) == 1 else f"(?:{'|'.join(branches)})"
    return f"(?:{'|'.join(branches)})?" if branches else ""


MARK = any_of(word for mark in MARKS if mark.alone for word in (mark.opens, *mark.ends))
"""A pattern for whatever opens or closes reasoning and is no text otherwise."""
