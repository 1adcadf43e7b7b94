"""What a task.toml may say: its keys, their types, and what each is for.

Only the shape is checked here. Whether the names in it are those of scores, fields and examples is checked by
``evalkit.golden.checks``; the options of a scorer, a measurement or a relation are read by that component.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, ConfigDict, Discriminator, Field, Tag, WithJsonSchema, WrapValidator

from evalkit._internal.validation import TEXT_OR_LIST, Flag, OneOrMore, Table, Text, expected
from evalkit.golden.model import Decoding, MeasureRule, Prompt, Relation, ScoreRule, Waiver

_DEFAULT = Decoding()
_TAIL: int | Literal["all"] = "all" if _DEFAULT.tail is None else _DEFAULT.tail


def _as_written(value: object, validate: Any) -> Any:
    validate(value)
    return value  # an int stays an int: it is part of the key of stored answers


def _ascending(anchors: list[Any]) -> list[Any]:
    if len(anchors) < 2 or any(low >= high for low, high in pairwise(anchors)):
        raise ValueError
    return anchors


Rate = Annotated[float, Field(ge=0, le=1), expected("a rate from 0 to 1")]
Positive = Annotated[int, Field(ge=1), expected("a whole number, 1 or more")]
Whole = Annotated[int, Field(ge=0), expected("a whole number, 0 or more")]
Number = Annotated[float, Field(ge=0), WrapValidator(_as_written), expected("a number, 0 or more")]
Penalty = Annotated[float, Field(gt=0), WrapValidator(_as_written), expected("a number above 0: 1 is no penalty")]
Tail = Annotated[
    Annotated[int, Field(ge=0)] | Literal["all"], expected("a whole number of tokens, 0 or more, or 'all'")
]
Words = Annotated[str, Field(pattern=r"\S"), expected("a text that is not empty")]
FieldNames = Annotated[list[str], expected("a list of field names")]
FieldList = Annotated[list[str], OneOrMore, TEXT_OR_LIST, expected("a field or a list of fields")]
Anchors = Annotated[
    list[Annotated[float, WrapValidator(_as_written)]],
    AfterValidator(_ascending),
    expected("two numbers or more, each above the one before"),
]
ScoreNames = Annotated[list[str], Field(min_length=1), expected("a list of names of scores, one or more")]
ComponentName = Annotated[str, expected("a name")]


class InputTable(Table):
    """[input]: the fields that the input of every example has."""

    required: FieldNames = Field(default=[], description="Fields that every input has.")
    optional: FieldNames = Field(default=[], description="Further fields that an input may have.")
    time: Text = Field(
        default="",
        description="The field that holds when an input was written, as an ISO date or time: `evalkit lint` then sees "
        "to it that train lies before test.",
    )


class PromptTable(Table):
    """[prompt]: Jinja2 templates of the messages; the fields of an example's input are their variables."""

    system: Text = Field(description="The system message, a Jinja2 template.")
    user: Text = Field(description="The message of the user, a Jinja2 template.")
    prefill: Text = Field(default="", description="What every answer is made to begin with.")


class DecodingTable(Table):
    """[decoding]: how an answer is drawn. Every setting is sent to every backend."""

    max_tokens: Positive = Field(default=_DEFAULT.max_tokens, description="The most tokens that an answer may have.")
    temperature: Number = Field(default=_DEFAULT.temperature, description="0 is greedy: always the likeliest token.")
    seed: Whole = Field(default=_DEFAULT.seed, description="Seeds the draws where the temperature is above 0.")
    tail: Tail = Field(
        default=_TAIL,
        description="How many tokens are still read after the first JSON object has closed; 'all' reads to the end.",
    )
    repeat_penalty: Penalty = Field(
        default=_DEFAULT.repeat_penalty,
        description="Above 1 it makes tokens less likely that were used of late; 1 is none.",
    )

    def decoding(self) -> Decoding:
        """The settings as requests carry them."""
        tail = None if self.tail == "all" else self.tail
        return Decoding(self.max_tokens, self.temperature, self.seed, tail, self.repeat_penalty)


class ScoreTable(Table):
    """[scores.<name>]: one score. All further keys are options of its scorer."""

    model_config = ConfigDict(extra="allow")
    EXPECTED: ClassVar[str] = 'a table with scorer = "..."'

    scorer: ComponentName = Field(description='The scorer that compares the field, as in scorer = "exact".')
    field: Text = Field(
        default="", description="The field of the answer that is scored; without it, the name of the score."
    )
    nonempty: Flag = Field(
        default=False,
        description="Whether examples that expect an empty list, text or object of the field are left out.",
    )
    of: ScoreNames | None = Field(
        default=None, description="Of a score that is made of others, as by whole and mean: which others."
    )
    anchors: Anchors = Field(
        default=[],
        description="Values of a number field that stand for all others near them: what the floor `words` tells apart.",
    )

    def rule(self, name: str) -> ScoreRule:
        options = self.model_extra or {}
        anchors, of = tuple(self.anchors), tuple(self.of or ())
        return ScoreRule(name, self.field or name, self.scorer, options, self.nonempty, anchors, of)


class MeasurementTable(Table):
    """[measurements.<name>]: one measurement. All further keys are its options."""

    model_config = ConfigDict(extra="allow")
    EXPECTED: ClassVar[str] = 'a table with measure = "..."'

    measure: ComponentName = Field(description='What is measured, as in measure = "mae".')
    field: Text = Field(default="", description="The field that is measured; without it, the name of the measurement.")

    def rule(self, name: str) -> MeasureRule:
        return MeasureRule(name, self.field or name, self.measure, self.model_extra or {})


class PrimaryTable(Table):
    """[primary]: the score that a table shows first."""

    score: Text = Field(description="The name of the task's most important score.")


class LooksTable(Table):
    """[looks]: how many candidates the test split is for."""

    planned: Positive | None = Field(
        default=None,
        description="How many models may be shown on the test split, each judged at 0.025 / planned; declared rivals "
        "count. Without it, 3 and the declared rivals.",
    )


class RelationTable(Table):
    """[relations.<name>]: what becomes of an answer when the input is changed. Further keys are its options."""

    model_config = ConfigDict(extra="allow", json_schema_extra={"required": ["relation", "input"]})
    EXPECTED: ClassVar[str] = 'a table with relation = "..."'

    relation: ComponentName = Field(description='How texts are changed, as in relation = "swap".')
    # Where it is missing, those that the task's inputs have are told: see ``read_relation``.
    input: FieldList = Field(default=[], description="The fields of the input that are changed.")
    negates: FieldList = Field(default=[], description="Fields of the answer that are then negated.")
    follows: FieldList = Field(default=[], description="Fields of the answer whose texts change as the input does.")
    free: FieldList = Field(default=[], description="Fields of the answer of which nothing is said.")
    most: Annotated[int, Field(ge=1), expected("a number of examples, 1 or more")] = Field(
        default=Relation.MOST, description="How many examples are changed at most."
    )

    def relation_of(self, name: str) -> Relation:
        lists = tuple(self.input), tuple(self.negates), tuple(self.follows), tuple(self.free)
        return Relation(name, self.relation, *lists, self.most, self.model_extra or {})


class WaiverTable(Table):
    """[[waivers]]: a finding of `evalkit lint` that is meant to be so."""

    lint: Words = Field(description="The lint that finds it.")
    about: Words = Field(description="Words of the finding.")
    reason: Words = Field(description="Why it is meant to be so.")

    def waiver(self) -> Waiver:
        return Waiver(self.lint, self.about, self.reason)


SLICES = "where"
"""The table of [thresholds] whose tables are named after tags, and the key of a hypothesis that names one."""


def _kind_of_threshold(value: object) -> str:
    if not isinstance(value, dict):
        return "#rate"
    return "#slices" if any(isinstance(inner, dict) for inner in value.values()) else "#split"


Thresholds = dict[
    str,
    Annotated[
        Annotated[Rate, Tag("#rate")]
        | Annotated[dict[str, Rate], Tag("#split")]
        | Annotated[dict[str, dict[str, Rate]], Tag("#slices")],
        Discriminator(_kind_of_threshold),
    ],
]
HypothesisTables = Annotated[
    list[dict[str, Any]],
    WithJsonSchema({"type": "array", "items": {"type": "object"}}),
    expected("tables headed [[hypotheses]]"),
]


class Contract(Table):
    """A whole task.toml: what a task asks, how answers are scored, and what must be true before a model ships."""

    title: Text = Field(default="", description="What the task is, in a few words; without it, the name of its folder.")
    input: InputTable = Field(default=InputTable(), description="The fields that the input of every example has.")
    prompt: PromptTable = Field(description="The messages that a model is sent: system and user.")
    decoding: DecodingTable = Field(default=DecodingTable(), description="How an answer is drawn.")
    scores: dict[str, ScoreTable] = Field(
        default={}, description="The task's scores by name: one field and its scorer each."
    )
    measurements: dict[str, MeasurementTable] = Field(
        default={}, description="Measurements by name: reported with their n, never part of a verdict."
    )
    primary: PrimaryTable = Field(description="The task's most important score.")
    looks: LooksTable = Field(default=LooksTable(), description="How many candidates the test split is for.")
    thresholds: Thresholds = Field(
        default={},
        description="The least rate of a score on test; in a table named after another split, on that one; in a table "
        "[thresholds.where.TAG], on the examples of test that have the tag.",
    )
    hypotheses: HypothesisTables = Field(
        default=[], description="What must be true of two models, declared beforehand."
    )
    relations: dict[str, RelationTable] = Field(
        default={}, description="What becomes of an answer when the input is changed."
    )
    waivers: list[WaiverTable] = Field(default=[], description="Findings of `evalkit lint` that are meant to be so.")

    def message_templates(self) -> Prompt:
        return Prompt(self.prompt.system, self.prompt.user, self.prompt.prefill)

    def least_rates(self) -> Mapping[str, Mapping[str, float]]:
        """``{split: {score: least rate}}``: bare keys are about the test split, sub-tables about another."""
        rates: dict[str, dict[str, float]] = {}
        for key, value in self.thresholds.items():
            split, entries = (key, value) if isinstance(value, dict) else ("test", {key: value})
            for score, rate in entries.items():
                if not isinstance(rate, dict):
                    rates.setdefault(split, {})[score] = rate
        return rates

    def least_rates_of_slices(self) -> Mapping[str, Mapping[str, Mapping[str, float]]]:
        """``{"where": {tag: {score: least rate}}}``, of the examples of the test split that have the tag. That no other
        table holds such tables is for ``checks`` to see."""
        tables = {key: value for key, value in self.thresholds.items() if isinstance(value, dict)}
        return {
            key: slices
            for key, value in tables.items()
            if (slices := {tag: rates for tag, rates in value.items() if isinstance(rates, dict)})
        }
