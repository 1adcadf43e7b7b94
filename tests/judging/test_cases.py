"""Answers as models wrote them that were once read wrongly, and others of the same kinds."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from evalkit.golden.schema import Schema
from evalkit.judging.output import Output, parse
from evalkit.models.backend import Completion
from evalkit.models.stream_end import StopCondition

CASES = Path(__file__).parent / "cases"
SCHEMA = Schema(
    {
        "type": "object",
        "required": ["direction", "note"],
        "additionalProperties": False,
        "properties": {"direction": {"type": "number"}, "note": {"type": "string"}},
    }
)
DRAFT, FINAL = '{"direction": -1, "note": "draft"}', '{"direction": 1, "note": "final"}'


def recorded(name: str) -> dict[str, str]:
    lines = (CASES / name).read_text(encoding="utf-8").splitlines()
    return {entry["id"]: entry["text"] for entry in map(json.loads, lines)}


def read(text: str) -> Output:
    return parse(Completion(text, "stop"), prefill="", schema=SCHEMA)


DRAFTS = {
    **recorded("drafts.jsonl"),
    "nested": f"<think>a <think>{DRAFT}</think> b {DRAFT}</think>{FINAL}",
    "in a fence": f"<think>```json\n{DRAFT}\n```</think>\n{FINAL}",
    "several blocks": f"<think>{DRAFT}</think>\n<think>{DRAFT}</think>{FINAL}",
    "upper case": f"<THINK>{DRAFT}</THINK>{FINAL}",
    "another case": f"<Think>\n{DRAFT}\n</Think>\n{FINAL}",
    "closed in another case": f"<THINK>{DRAFT}</think>{FINAL}",
    "closing alone in upper case": f"{DRAFT} hm\n</THINKING>\n\n{FINAL}",
    "space in the tag": f"<think >{DRAFT}</think >{FINAL}",
    "attributes": f'<think duration="3">{DRAFT}</think>{FINAL}',
    "attributes of another tag": f'<Reasoning effort="low" n="2">{DRAFT}</Reasoning>{FINAL}',
    "lower case in brackets": f"[think]{DRAFT}[/think]{FINAL}",
    "analysis as a tag": f"<analysis>{DRAFT}</analysis>{FINAL}",
    "harmony with two channels": (
        f"<|channel|>analysis<|message|>{DRAFT}<|end|><|start|>assistant<|channel|>commentary<|message|>{DRAFT}<|end|>"
        f"<|start|>assistant<|channel|>final<|message|>{FINAL}"
    ),
    "harmony with a constraint": (
        f"<|channel|>analysis<|message|>{DRAFT}<|end|>"
        f"<|start|>assistant<|channel|>final <|constrain|>json<|message|>{FINAL}"
    ),
    "harmony without its tokens": f"analysis{DRAFT} no.assistantfinal{FINAL}",
}
each_draft = pytest.mark.parametrize("text", DRAFTS.values(), ids=DRAFTS)


@each_draft
def test_a_draft_in_the_reasoning_is_never_the_answer(text: str) -> None:
    assert (read(text).value or {}).get("note") == "final"


@pytest.mark.parametrize(
    "text", [text for name, text in DRAFTS.items() if "alone" not in name and name != "closing-only"]
)
def test_generation_does_not_stop_at_a_draft(text: str) -> None:
    end = StopCondition(None, "", tail=8)
    before = text[: text.rindex(FINAL)]
    assert not any(end.hear(before[at : at + 3]) for at in range(0, len(before), 3))


@pytest.mark.parametrize(
    ("text", "defects"),
    [
        (f"<think>{FINAL}</think>", {"empty", "only_reasoning"}),
        (f"<THINK>{FINAL}", {"truncated", "unclosed_thinking"}),
        (f'<think duration="3">{FINAL}', {"truncated", "unclosed_thinking"}),
    ],
)
def test_an_answer_that_stands_in_the_reasoning_alone_is_none(text: str, defects: set[str]) -> None:
    output = read(text)
    assert (output.value, set(output.defects)) == (None, defects)


BROKEN = {
    "curly quotes": "{“direction”: 1, “note”: “x”}",
    "a curly value": '{"direction": 1, "note": “x”}',
    "low quotes": "{„direction“: 1}",
    "guillemets": "{«direction»: 1}",
    "no-break space first": '{\u00a0"direction": 1, "note": "x"}',
    "no-break space as indent": '{\n\u00a0\u00a0"direction": 1,\n\u00a0\u00a0"note": "x"\n}',
    "zero-width space": '{\u200b"direction": 1, "note": "x"}',
    "comment first": '{ // first\n"direction": 1, "note": "x"}',
    "comment behind": '{"direction": 1, // one\n"note": "x"}',
    "block comment": '{/* c */"direction": 1, "note": "x"}',
    "hash": '{#c\n"direction": 1, "note": "x"}',
    "markup comment": '{ <!-- c --> "direction": 1, "note": "x"}',
    "escaped quotes": r"{\"direction\": 1, \"note\": \"x\"}",
    "twice escaped quotes": r'{\\"direction\\": 1, \\"note\\": \\"x\\"}',
    "single quotes": "{'direction': 1, 'note': 'x'}",
    "trailing comma": '{"direction": 1, "note": "x",}',
    "leading comma": '{, "direction": 1, "note": "x"}',
    "no comma": '{"direction": 1 "note": "x"}',
    "True": '{"direction": True, "note": "x"}',
    "None": '{"direction": None, "note": "x"}',
    "bare keys": "{direction: 1, note: x}",
    "arrows": '{"direction" => 1, "note" => "x"}',
    "semicolon": '{"direction": 1; "note": "x"}',
    "full-width colon": '{"direction"： 1, "note"： "x"}',
    "plus": '{"direction": +1, "note": "x"}',
    "leading zero": '{"direction": 01, "note": "x"}',
    "line break in a text": '{"direction": 1, "note": "x\ny"}',
    "NUL in a text": '{"direction": 1, "note": "x\0"}',
    "quote in a text": '{"direction": 1, "note": "he said "no" to it"}',
    "wrong escape": r'{"direction": 1, "note": "it\'s"}',
}


@pytest.mark.parametrize("text", BROKEN.values(), ids=BROKEN)
def test_what_was_meant_for_an_object_is_called_no_json(text: str) -> None:
    output = read(text)
    assert (output.value, output.defects) == (None, ("not_json",))


@pytest.mark.parametrize("text", [BROKEN["curly quotes"], BROKEN["leading comma"], "{'a': 1}"])
def test_broken_json_is_named_behind_an_accepted_object_too(text: str) -> None:
    output = read(f"{FINAL}\n{text}")
    assert ((output.value or {}).get("note"), "not_json" in output.defects) == ("final", True)


def test_the_recorded_half_of_a_pair_is_not_strict() -> None:
    output = read(recorded("lone_surrogate.jsonl")["a"])
    assert (output.value, output.strict, output.defects) == (None, False, ("lone_surrogate",))


@pytest.mark.parametrize(
    ("text", "defects"),
    [
        ('{"direction": 1, "note": "\ud83d"}', ("lone_surrogate",)),
        (r'{"direction": 1, "note": "\ude00\ud83d"}', ("lone_surrogate",)),
        (r'{"direction": 1, "\ud83d": "x", "note": "x"}', ("lone_surrogate",)),
        ('{"direction": 1e400, "note": "x"}', ("not_finite",)),
        ('{"direction": ' + "9" * 5000 + ', "note": "x"}', ("not_finite",)),
        ('{"direction": -Infinity, "note": "x"}', ("not_finite",)),
        (r'{"direction": 1, "\u0064irection": 1, "note": "x"}', ("duplicate_key",)),
        ('{"direction": 1, "note": {"a": 1, "a": 1}}', ("duplicate_key",)),
        ('{"direction": 1, "note": ' + "[" * 5000 + "]" * 5000 + "}", ("schema_violation",)),
        (f"\ufeff{FINAL}", ("prose_before",)),
        (f"{FINAL}\0", ("prose_after",)),
        (f"{FINAL}\u00a0", ("prose_after",)),
        ('{"direction": -0, "note": "x"}', ()),
        ('{"direction": 1E5, "note": "x"}', ()),
        (r'{"direction": 1, "note": "\ud83d\ude00"}', ()),
        (f"\r\n\t {FINAL}\n", ()),
    ],
    ids=lambda value: value[:40] if isinstance(value, str) else "",
)
def test_strict_is_what_every_reader_takes_for_the_same(text: str, defects: tuple[str, ...]) -> None:
    output = read(text)
    assert (output.defects, output.strict) == (defects, not defects)


@pytest.mark.parametrize(
    "text",
    [
        f"assistant{FINAL}",
        f"assistant\n\n{FINAL}",
        f"{FINAL}<|im_end|>",
        f"{FINAL}<|im_end|>\n<|im_start|>user",
        f"{FINAL}<end_of_turn>",
        f"{FINAL}</s>",
        f"{FINAL}<|eot_id|>assistant",
        f"{FINAL}assistant好的",
        f"{FINAL}userWhat now?",
        f"[INST] {FINAL}",
        f"{FINAL}\nUser: and now?",
    ],
)
def test_role_markers_glued_to_an_answer_are_named(text: str) -> None:
    output = read(text)
    assert ((output.value or {}).get("note"), "role_marker" in output.defects) == ("final", True)
