"""What a backend is: something that turns requests into completions.

A backend is one file of ``backends/``, or an entry point in the group ``evalkit.backends``; its name is
what people type: ``backends/gguf.py`` is ``--backend=gguf:...``. The file has one function

    def open_backend(opening: Opening) -> Backend

which is cheap: it finds the files, checks them and knows the fingerprint, but loads nothing. Weights are
loaded at the first ``answer``. It raises SetupError when something is missing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal, Protocol, TypeVar

from evalkit._internal.toml import NAME, as_toml, quoted
from evalkit.errors import ConfigError, Problem, UnknownName
from evalkit.golden.model import Task
from evalkit.models.alias import KEYS as ALIAS_KEYS
from evalkit.models.budget import Budget
from evalkit.models.chat_template import NO_ARGUMENTS, TemplateArguments
from evalkit.models.request import Request, digest_of_fingerprint

Settings = TypeVar("Settings")

FinishReason = Literal["stop", "length", "object_closed", "recorded", "refusal", "tool_call"]
"""Why an answer ended: the model ended it, the token limit, ``Decoding.tail``, not known any more, the API says that
it was refused, or the model calls a tool in its place."""


@dataclass(frozen=True, slots=True)
class Completion:
    """What a model answered, whole.

    ``text`` is what followed the prefill, reasoning included, untouched. ``rendered`` is the very prompt
    the model read, template and prefill included, ``prompt_digest`` the digest of its token ids (``digest_of_ids``).
    Counts are in tokens and None where not known, as is what no server tells. ``thinking`` is
    reasoning that a server handed over apart from the text, which then has none; empty where the
    server takes it out and there was none. ``seconds`` are the server's own durations, by what it did.
    ``usage`` is what an API bills, in tokens, as it says itself: "input", "output", and of what a prompt cache had or
    took in, "cached" and "cache_write"; the four are apart, none holds another. ``model`` is what the server calls the
    model that answered, None where it does not say.
    """

    text: str
    finish_reason: FinishReason
    rendered: str | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    thinking: str | None = None
    seconds: Mapping[str, float] | None = None
    prompt_digest: str | None = None
    usage: Mapping[str, int] | None = None
    model: str | None = None


class Backend(Protocol):
    """Something that answers. See ``fingerprint_of`` for how it is told from every other."""

    @property
    def fingerprint(self) -> Mapping[str, Any]:
        """JSON-able: whatever shapes its answers beside the request. Two backends with equal fingerprints give
        each other's answers. A key ``decoding``, where there is one, holds what its sampler does that no request says.
        """
        ...

    @property
    def constrains(self) -> bool:
        """True where it holds answers to ``Request.schema``, or has answers that no request shapes (recorded ones).
        An alias with ``constrained = true`` on any other backend is refused."""
        ...

    @property
    def by_example(self) -> bool:
        """True where an answer depends on the example's id (recorded answers, an oracle), not on the request alone."""
        ...

    def answer(self, requests: Sequence[Request]) -> Iterator[tuple[Request, Completion | Exception]]:
        """Answers each request once, in any order, each handed over as soon as it is there.

        A request that can't be answered comes with a NotAnswered; BackendDied is raised when nothing
        more can be asked. Closing the iterator stops the work.
        """
        ...

    def close(self) -> None:
        """Gives back memory, processes and connections. May be called twice."""
        ...

    # A backend may also have two that a latency probe asks for: ``memory()``, what the loaded model holds, in bytes or
    # None; and ``interactive``, False where the time of an answer says nothing of the model. Without it that is where
    # answers are by example. ``sold`` is True where each answer costs money, if no price says so: who was not named is
    # not asked then. ``templated`` is True where it obeys `Opening.template`; an alias that sets it on another backend
    # is refused.


@dataclass(frozen=True, slots=True)
class Spec:
    """``scheme:model+adapter``, taken apart. ``model`` and ``adapter`` may be empty.

    >>> Spec.parse("gguf:smollm2+fixtures/adapters/x")
    Spec(scheme='gguf', model='smollm2', adapter='fixtures/adapters/x')
    >>> Spec.parse("majority")
    Spec(scheme='majority', model='', adapter='')
    """

    scheme: str
    model: str = ""
    adapter: str = ""

    @classmethod
    def parse(cls, text: str) -> Spec:
        scheme, _, rest = text.partition(":")
        model, _, adapter = rest.partition("+")
        return cls(scheme, model, adapter)

    @property
    def place(self) -> str:
        """All that follows the scheme, for backends that know no adapter."""
        return self.model + (f"+{self.adapter}" if self.adapter else "")

    def __str__(self) -> str:
        return self.scheme + (f":{self.model}" if self.model else "") + (f"+{self.adapter}" if self.adapter else "")


@dataclass(frozen=True, slots=True)
class Opening:
    """What a backend is opened with.

    ``options`` are the alias's own keys in pyproject.toml (``as_served``, ``load``, ...). ``models`` are the
    registered bases, by name and then by scheme. ``shared`` lives as long as the run: backends of one run
    keep there what they share, such as one copy of the weights. ``cache`` is a folder for what is made
    from other files and can be made again, ``kept`` one for what must outlive the run. ``budget`` is what may be spent,
    for backends that cost money. ``alias`` is its name in pyproject.toml, empty where it is opened by its spec alone.
    ``template`` is what its chat template is handed: a backend that obeys it has ``templated = True``.
    """

    spec: Spec
    task: Task
    root: Path
    options: Mapping[str, Any] = field(default_factory=dict)
    models: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    shared: dict[Any, Any] = field(default_factory=dict)
    cache: Path = Path(".evalkit/cache")
    kept: Path = Path(".evalkit")
    budget: Budget = field(default_factory=Budget)
    alias: str = ""
    template: TemplateArguments = NO_ARGUMENTS

    def path(self, text: str) -> Path:
        """``text`` as a path, taken from the root of the project."""
        return path_from(self.root, text)

    def settings(self, kind: type[Settings]) -> Settings:
        """The options as ``kind``, a dataclass with a default for each. Raises ConfigError with all those that it does
        not have (the keys of any alias are suggested too), or that are of another type than its default."""
        defaults = asdict(kind())  # type: ignore[call-overload]
        options = {key: _as_type(value, defaults.get(key)) for key, value in self.options.items()}
        where = f"{NAME}: [tool.evalkit.backends.{quoted(self.alias)}]" if self.alias else str(self.spec)
        problems = []
        for key, value in options.items():
            if key not in defaults:
                unknown = UnknownName("option", key, [*defaults, *ALIAS_KEYS])
                problems.append(Problem(where, str(unknown), key, unknown.suggestion))
            elif type(value) is not type(defaults[key]):
                expected = _IN_WORDS[type(defaults[key])]
                problems.append(Problem(where, f"{key} is {as_toml(value)}, expected {expected}", key))
        if problems:
            raise ConfigError.of(problems)
        return kind(**options)


@dataclass(frozen=True, slots=True)
class NoOptions:
    """The settings of a backend that has none: every option of its alias is refused."""


_IN_WORDS = {int: "a whole number", float: "a number", bool: "true or false", str: "a text"}


def _as_type(value: object, default: object) -> object:
    """``value`` as a number with a point, where the option is one: TOML has 1 for 1.0."""
    return float(value) if isinstance(default, float) and type(value) is int else value


def path_from(root: Path, text: str) -> Path:
    """The file or folder that a spec names, taken from the project's ``root``."""
    return root / Path(text).expanduser()


def digest_of_ids(tokens: Sequence[int]) -> str:
    """By what two prompts are known to be the same tokens (sha256, hex)."""
    return sha256(" ".join(map(str, tokens)).encode()).hexdigest()


def fingerprint_of(backend: Backend) -> str:
    """The digest of a backend's fingerprint (sha256, hex): the part of the cache key that names the model."""
    return digest_of_fingerprint(backend.fingerprint)
