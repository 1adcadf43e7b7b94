"""What the table ``[tool.evalkit]`` of pyproject.toml may say: its keys, their types, and what each is for."""

from __future__ import annotations

from datetime import date
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, ConfigDict, Discriminator, Field, JsonValue, Tag, WithJsonSchema

from evalkit._internal.validation import Flag, Table, Text, TextList, expected

BASELINE_MARGIN = 0.05
INCONCLUSIVE_WIN, INCONCLUSIVE_NO_LOSS = 1, 0


def _exit_code(code: int) -> int:
    if code in (0, 1) or code >= 6:
        return code
    raise ValueError


ExitCode = Annotated[
    int,
    AfterValidator(_exit_code),
    WithJsonSchema({"anyOf": [{"enum": [0, 1]}, {"type": "integer", "minimum": 6}]}),
    expected("0, 1, or 6 and above (2 to 5 are pytest's)"),
]
Margin = Annotated[float, Field(gt=0, lt=1), expected("a difference of scores between 0 and 1")]
OptionalText = Annotated[str | None, WithJsonSchema({"type": "string"}), expected("a text")]
AliasName = Annotated[str | None, WithJsonSchema({"type": "string"}), expected("the name of an alias")]


def _pair(marks: list[str]) -> list[str]:
    if len(marks) in (0, 2) and all(marks):
        return marks
    raise ValueError


Marks = Annotated[
    list[str],
    AfterValidator(_pair),
    WithJsonSchema({"type": "array", "items": {"type": "string", "minLength": 1}, "minItems": 2, "maxItems": 2}),
    expected('the two marks around its reasoning, as in ["<think>", "</think>"]'),
]
SystemPlace = Annotated[
    Literal["into_user"] | None,
    WithJsonSchema({"enum": ["into_user"]}),
    expected('"into_user", which joins the system message to the first user\'s turn'),
]
Switch = Annotated[
    bool | None,
    WithJsonSchema({"type": "boolean"}),
    expected("true or false (the tokens that reasoning may take are `reasoning_tokens`)"),
]
Arguments = Annotated[
    dict[str, JsonValue],
    WithJsonSchema({"type": "object"}),
    expected('a table of template arguments, as in { reasoning_effort = "low" }'),
]
OptionalDollars = Annotated[
    Annotated[float, Field(ge=0)] | None,
    WithJsonSchema({"type": "number", "minimum": 0}),
    expected("US dollars, 0 or more"),
]
Retries = Annotated[int, Field(ge=0), expected("a whole number, 0 or more")]
TokenPrice = Annotated[
    Annotated[float, Field(ge=0)] | None,
    WithJsonSchema({"type": "number", "minimum": 0}),
    expected("USD per million tokens, 0 or more"),
]
Share = Annotated[float, Field(ge=0), expected("a share of the price, 0 or more")]
Day = Annotated[date | None, WithJsonSchema({"type": "string", "format": "date"}), expected("a date, as in 2026-11-22")]


class AliasTable(Table):
    """[tool.evalkit.backends.<name>]: a model under a name of its own. Further keys are options of its backend."""

    model_config = ConfigDict(extra="allow")
    EXPECTED: ClassVar[str] = 'a spec ("scheme:model") or a table with one'

    spec: Text = Field(description='The model, as in spec = "gguf:model.gguf"; {task} in it is the name of the task.')
    parent: AliasName = Field(default=None, description="The alias that this one was made from.")
    few_shot: Flag = Field(default=False, description="Whether the reference examples are shown before the question.")
    prefill: OptionalText = Field(default=None, description="What its answers begin with, in place of the task's.")
    constrained: Flag = Field(
        default=False, description="Whether it can write nothing but what the task's schema accepts."
    )
    reasoning: Marks = Field(
        default=[], description="The two marks around its reasoning, where they are none that evalkit knows."
    )
    system: SystemPlace = Field(
        default=None, description="Where the system message goes for a template that has no place for one."
    )
    thinking: Switch = Field(
        default=None, description="Whether it reasons before it answers; left out: as its chat template has it."
    )
    template: Arguments = Field(default={}, description="Further arguments of its chat template, by name.")
    retries: Retries = Field(default=0, description="How often it is asked again after an answer that is not strict.")
    cost_per_hour: OptionalDollars = Field(default=None, description="What its machine costs per hour, in US dollars.")


class PriceTable(Table):
    """[tool.evalkit.prices."<spec>"]: what a paid API costs. What is left out is as in evalkit's own list."""

    EXPECTED: ClassVar[str] = "a table with input and output"

    input: TokenPrice = Field(default=None, description="US dollars per million tokens that are read.")
    output: TokenPrice = Field(default=None, description="US dollars per million tokens that are written.")
    cached: TokenPrice = Field(default=None, description="The same for tokens that a prompt cache had.")
    cache_write: TokenPrice = Field(default=None, description="The same for tokens that a prompt cache took in.")
    batch: Share = Field(default=0.5, description="The share of the price that a vendor's batches cost.")
    dated: Day = Field(default=None, description="The day on which the price was read.")


class LineageTable(Table):
    """[tool.evalkit.lineage.<name>]: the way from a base to what is served."""

    EXPECTED: ClassVar[str] = 'a table with rungs = ["alias", ...]'

    rungs: TextList = Field(description='The aliases in the order of their making, as in rungs = ["base", "tuned"].')


Backends = dict[
    str,
    Annotated[
        Annotated[Text, Tag("#spec")] | Annotated[AliasTable, Tag("#table")],
        Discriminator(lambda entry: "#spec" if isinstance(entry, str) else "#table"),
    ],
]
Files = Annotated[dict[str, str], expected("a table of texts")]


class ProjectTable(Table):
    """[tool.evalkit] of pyproject.toml: a project's models, and where its files are."""

    backend: TextList = Field(default=[], description="The aliases or specs that are tested without --backend.")
    backends: Backends = Field(default={}, description="The project's models by name: a spec each, or a table.")
    models: dict[str, Files] = Field(
        default={}, description="Registered bases: where the files of each lie, by scheme; {cache} is the user's cache."
    )
    golden: Text = Field(default="golden", description="The folder of the golden tasks.")
    suites: TextList = Field(default=["suites"], description="The folders of the suites.")
    reports: Text = Field(default="reports", description="The folder that reports are written to.")
    baseline_margin: Margin = Field(
        default=BASELINE_MARGIN, description="The largest loss against a baseline that is still none."
    )
    inconclusive_win: ExitCode = Field(
        default=INCONCLUSIVE_WIN, description="The exit code where a declared win is neither shown nor refuted."
    )
    inconclusive_no_loss: ExitCode = Field(
        default=INCONCLUSIVE_NO_LOSS, description="The exit code where another hypothesis is neither shown nor refuted."
    )
    lineage: dict[str, LineageTable] = Field(default={}, description="Lineages by name: see --lineage.")
    prices: dict[str, PriceTable] = Field(default={}, description="Prices of paid APIs by spec.")
