"""An example becomes a request; what shapes the answer is in its key, and nothing else is."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from evalkit.errors import ConfigError
from evalkit.golden.model import Decoding, Example, Prompt, Task
from evalkit.models.request import Asking, Message, Request, asking_digest, canonical, render

if TYPE_CHECKING:
    from conftest import MiniProject

REQUEST = Request("mood", "t-01", (Message("user", "Text"),), "{", Decoding())


def asked(task: Task, user: str, **given: Any) -> str:
    """What the user message says for an input of ``given``."""
    example = Example("e-1", "test", given, {}, where="golden/mood/test.jsonl:7")
    return render(replace(task, prompt=replace(task.prompt, user=user)), example).messages[-1].content


@pytest.fixture
def task(project: MiniProject) -> Task:
    return project.task()


def test_a_request_holds_the_rendered_messages(task: Task) -> None:
    request = render(task, task.splits["test"][0], sample=2)
    assert request.messages == (
        Message("system", "Say the mood as JSON."),
        Message("user", 'Text: "This is t-01."'),
    )
    assert (request.task, request.example_id, request.sample) == ("mood", "t-01", 2)


def test_an_empty_system_message_is_not_sent(task: Task) -> None:
    request = render(replace(task, prompt=replace(task.prompt, system="\n ")), task.splits["test"][0])
    assert [message.role for message in request.messages] == ["user"]


def test_prefill_and_decoding_come_from_the_contract(project: MiniProject) -> None:
    project.contract("[decoding]", 'prefill = "{"\n[decoding]')
    task = project.task()
    request = render(task, task.splits["test"][0])
    assert (request.prefill, request.decoding.max_tokens, request.decoding.temperature) == ("{", 40, 0.0)


def test_few_shot_shows_the_reference_examples_with_their_answers_before_the_question(project: MiniProject) -> None:
    project.append("reference", {"id": "r-2", "input": {"text": "Bad."}, "expected": {"mood": "bad", "strength": 0.5}})
    task = project.task()
    assert render(task, task.splits["test"][0], Asking(few_shot=True)).messages == (
        Message("system", "Say the mood as JSON."),
        Message("user", 'Text: "This is r-1."'),
        Message("assistant", '{"mood": "good", "strength": 0.9}'),
        Message("user", 'Text: "Bad."'),
        Message("assistant", '{"mood": "bad", "strength": 0.5}'),
        Message("user", 'Text: "This is t-01."'),
    )


def test_few_shot_never_shows_the_asked_example_or_its_near_copies(project: MiniProject) -> None:
    shot = {"expected": {"mood": "good", "strength": 0.9}}
    for name, group in (("r-2", "pair"), ("r-3", "pair")):
        project.append("reference", {**shot, "id": name, "input": {"text": name}, "group": group})
    task = project.task()
    request = render(task, task.splits["reference"][1], Asking(few_shot=True))
    said = [message.content for message in request.messages if message.role == "user"]
    assert said == ['Text: "This is r-1."', 'Text: "r-2"']


def test_an_alias_may_take_the_tasks_prefill_away(project: MiniProject) -> None:
    project.contract("[decoding]", 'prefill = "{"\n[decoding]')
    task = project.task()
    asked = [render(task, task.splits["test"][0], Asking(prefill=text)).prefill for text in (None, "", '{"mood"')]
    assert asked == ["{", "", '{"mood"']


def test_a_system_message_may_be_joined_to_the_first_users_turn(project: MiniProject) -> None:
    task = project.task()
    first = task.splits["test"][0]
    joined = 'Say the mood as JSON.\n\nText: "This is t-01."'
    assert render(task, first, Asking(system="into_user")).messages == (Message("user", joined),)
    shown = render(task, first, Asking(few_shot=True, system="into_user")).messages
    assert [message.role for message in shown] == ["user", "assistant", "user"]
    assert shown[0].content == 'Say the mood as JSON.\n\nText: "This is r-1."'


def test_without_a_system_message_nothing_is_joined(task: Task) -> None:
    plain = replace(task, prompt=replace(task.prompt, system=""))
    first = task.splits["test"][0]
    assert render(plain, first, Asking(system="into_user")) == render(plain, first)


def test_where_the_system_message_goes_is_part_of_how_it_is_asked_only_where_it_is_set(task: Task) -> None:
    # The literal is that of a release without the key: what was asked then is asked in the same way now.
    bare = replace(task, prompt=Prompt("Say it.", "{{ text }}"), schema={}, splits={}, decoding=Decoding())
    assert asking_digest(bare, Asking()) == "598d5bcbf4b148e8b3f9586d991592e956348710f9cb8e314ed25b1ea1453f0a"
    assert asking_digest(bare, Asking(system="into_user")) != asking_digest(bare, Asking())


def inserted(task: Task, user: str, **given: Any) -> tuple[tuple[str, str], ...]:
    """The fields that a prompt of an input of ``given`` shows."""
    example = Example("e-1", "test", given, {}, where="golden/mood/test.jsonl:7")
    return render(replace(task, prompt=replace(task.prompt, user=user)), example).inserted


@pytest.mark.parametrize(
    ("user", "texts"),
    [
        ("{{ text }}", (("text", 'Say "hi"'),)),
        ("{{ text | json }}", (("text", 'Say \\"hi\\"'),)),
        ("{% for one in tags %}- {{ one }}\n{% endfor %}", (("tags", "red"), ("tags", "blue"))),
        ("{{ place.town }} {{ size }}", (("place", "Oslo"), ("size", "4.5"))),
        ("{{ text | upper }}", ()),
        ("{% if text %}Judge it.{% endif %}", ()),
        ("Oslo", ()),
    ],
)
def test_a_request_says_which_fields_of_the_input_its_prompt_shows(
    task: Task, user: str, texts: tuple[tuple[str, str], ...]
) -> None:
    given = {"text": 'Say "hi"', "tags": ["red", "blue"], "place": {"town": "Oslo"}, "size": 4.5, "empty": ""}
    assert inserted(task, user, **given) == texts


def test_which_fields_are_shown_is_neither_in_the_key_nor_compared() -> None:
    told = replace(REQUEST, inserted=(("text", "Text"),))
    assert told.key("model") == REQUEST.key("model")
    assert told == REQUEST


def test_a_constrained_request_holds_the_schema(task: Task) -> None:
    first = task.splits["test"][0]
    assert [render(task, first, Asking(constrained=yes)).schema for yes in (True, False)] == [task.schema, None]


def test_the_json_filter_keeps_letters_as_they_are(task: Task) -> None:
    assert asked(task, "{{ text | json }}", text='Ærø "x"\n') == '"Ærø \\"x\\"\\n"'


def test_data_is_never_taken_for_a_template(task: Task) -> None:
    assert asked(task, "{{ text }}", text="{{ 7 * 7 }} <b>") == "{{ 7 * 7 }} <b>"


def test_an_optional_field_may_be_asked_for(task: Task) -> None:
    user = "a{% if source is defined %}{{ source | json }}{% endif %}"
    assert [asked(task, user), asked(task, user, source="x")] == ["a", 'a"x"']


@pytest.mark.parametrize("user", ["{{ txet }}", "{{ txet | json }}", "{{ [txet] | json }}", "{% if txet %}{% endif %}"])
def test_an_undefined_name_is_an_error_with_its_place(task: Task, user: str) -> None:
    told = r"golden/mood/task.toml: \[prompt\] user: 'txet' is undefined \(example e-1, golden/mood/test.jsonl:7, whose"
    with pytest.raises(ConfigError, match=told + " input has: text"):
        asked(task, user, text="x")


def test_an_undefined_name_is_found_before_a_model_is_asked(project: MiniProject) -> None:
    project.contract("{{ text | json }}", "{{ txet | json }}")
    with pytest.raises(Exception, match=r"(?s)1 problem in the golden data:\n.*task.toml: \[prompt\] user: 'txet' is"):
        project.session(["tuned"]).check()


@pytest.mark.parametrize(
    ("user", "what"),
    [
        ("{{ text", "unexpected end of template"),
        ("{{ text | jsn }}", "No filter named 'jsn'"),
        ("{{ 1 / 0 }}", "division by zero"),
        ("{{ text + 1 }}", "can only concatenate str"),
        ("{{ text.upper | json }}", "is not JSON"),
    ],
)
def test_a_broken_template_is_an_error_with_its_place(task: Task, user: str, what: str) -> None:
    with pytest.raises(ConfigError, match=rf"task.toml: \[prompt\] user: .*{what}"):
        asked(task, user, text="x")


@pytest.mark.parametrize(
    "user",
    [
        "{{ text.__class__ }}",
        "{{ text.__class__.__mro__[1].__subclasses__() }}",
        "{{ text['__class__'] }}",
        "{{ text | attr('__class__') }}",
        "{{ (text ~ '{0.__class__}').format(text) }}",
        "{{ cycler.__init__.__globals__ }}",
        "{{ tags.append('x') }}",
    ],
)
def test_a_template_reaches_no_more_than_the_example(task: Task, user: str) -> None:
    with pytest.raises(ConfigError, match=r"unsafe|has no attribute '__class__'|is not safely callable"):
        asked(task, user, text="x", tags=["y"])


@pytest.mark.parametrize(
    "other",
    [
        replace(REQUEST, messages=(Message("user", "Texts"),)),
        replace(REQUEST, messages=(Message("system", "Text"),)),
        replace(REQUEST, prefill=""),
        replace(REQUEST, sample=1),
        replace(REQUEST, decoding=Decoding(max_tokens=255)),
        replace(REQUEST, decoding=Decoding(temperature=0.1)),
        replace(REQUEST, decoding=Decoding(seed=1)),
        replace(REQUEST, decoding=Decoding(tail=None)),
        replace(REQUEST, schema={}),
    ],
)
def test_what_shapes_the_answer_changes_the_key(other: Request) -> None:
    assert other.key("model") != REQUEST.key("model")


def test_the_order_of_a_schemas_fields_changes_the_key() -> None:
    # A grammar lets the model write them in this order, and what is written first shapes the rest.
    one, two = ({"properties": {name: {"type": "string"} for name in names}} for names in ("ab", "ba"))
    assert replace(REQUEST, schema=one).key("model") != replace(REQUEST, schema=two).key("model")


def test_another_model_has_another_key() -> None:
    assert REQUEST.key("model") != REQUEST.key("modem")


def test_what_it_is_asked_for_does_not_change_the_key() -> None:
    assert replace(REQUEST, example_id="t-02", task="other").key("model") == REQUEST.key("model")


def test_the_key_is_the_same_in_every_release() -> None:
    # Stored answers are found by it: a change here asks every model everything again.
    assert REQUEST.key("model") == "4ee19b52c35c081649f32e564e8f387bc57c21d0a1c544326cff12c42343a9be"


def test_canonical_json_has_one_spelling_even_of_half_a_surrogate_pair() -> None:
    assert canonical({"b": "\ud83d", "a": {"y": 1, "x": None}}) == r'{"a":{"x":null,"y":1},"b":"\ud83d"}'
