"""A model on a running Ollama server: what many people ship.

    ollama:router          ollama:llama3.2:1b

The server is found at ``host``, else at $OLLAMA_HOST, else at localhost:11434. Options of the alias:

    host = ""               "localhost:11434", "http://gpu-box:11434", ...
    context = 4096          tokens of prompt and answer together; what does not fit is an error, never cut
    parallel = 0            answers at once; 0 takes $OLLAMA_NUM_PARALLEL, which the server reads too, else 1
    repeat_penalty = 0.0    above 0: this, whatever the task says; 1.1, the server's own, punishes a digit used before
    thinking = true         of models that can: reason before the answer, and hand the reasoning over apart.
                            An Ollama template takes one argument more, of models that know degrees:
                            template = { reasoning_effort = "low" }
    as_served = false       true: send no setting but the length, and get what an app with defaults gets
    patience = 30           seconds to wait for a server that is gone or busy before it is given up

A prompt in which the template cut or left out what is asked is not asked, by what the server says that it renders.

A prefill is the beginning of an assistant's turn that the model goes on with. It needs a template that leaves the last
such turn open; where the server's closes it, that is an error.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import asdict, dataclass, field, replace
from importlib.util import find_spec
from threading import Event
from typing import Any

from evalkit._internal.threads import in_threads
from evalkit.errors import BackendDied, ConfigError, MissingModel, NotAnswered, TooLong
from evalkit.golden.model import REPEAT_LAST
from evalkit.models.backend import Backend, Completion, Opening
from evalkit.models.constraint import llama_grammar
from evalkit.models.constraint.held import Held
from evalkit.models.context import RAISE, too_long
from evalkit.models.engines.ollama_server import Refused, Server, server_url
from evalkit.models.ollama_reply import OllamaReply
from evalkit.models.prompt_check import in_place_of, lost, told
from evalkit.models.refusals import Refusals
from evalkit.models.reply import token_count
from evalkit.models.request import Request
from evalkit.models.retry import Cut, NotAnAnswer, ServerError, pauses
from evalkit.models.stream_end import StopCondition

_BUSY = (408, 425, 429)
"""What passes beside a server that comes or goes (over 501): too many requests, too slow ones."""
_TRIES = 3
"""So often an answer is asked for that the server does not finish."""
_EFFORT = "reasoning_effort"
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 5.0
_PATIENCE = 10.0
"""Seconds that answers under way are waited for when all is stopped."""
"""Seconds between two tries."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How the server is asked; see the head of this file."""

    host: str = ""
    context: int = 4096
    parallel: int = 0
    repeat_penalty: float = 0.0
    as_served: bool = False
    patience: int = 30


def open_backend(opening: Opening) -> Backend:
    """A backend on a running server. Raises MissingModel where server, model or package is not there."""
    if find_spec("ollama") is None:
        raise MissingModel(f"{opening.spec} needs the ollama package: pip install 'pytest-evalkit[ollama]'")
    settings = opening.settings(Settings)
    if settings.context < 1 or min(settings.parallel, settings.patience, settings.repeat_penalty) < 0:
        raise ConfigError(f"{opening.spec}: context must be above 0; parallel, patience and repeat_penalty not below")
    server = Server(server_url(settings.host or os.environ.get("OLLAMA_HOST", "")))
    with closing(server):
        about = server.about(opening.spec.place)
    think = _think(opening, bool(about["thinks"]))
    if think is None and about["thinks"] and not settings.as_served:
        think = True  # the server's own default, said aloud: it then hands the reasoning over apart, if it is empty too
    decoding = _decoding(settings, think)
    fingerprint = {"engine": "ollama", **about, "context": settings.context, "decoding": decoding}
    return OllamaBackend(server, opening.spec.place, settings, fingerprint, think)


def _think(opening: Opening, thinks: bool) -> bool | str | None:
    """Whether, or how much, the model is to reason, as the server is told; None leaves it to the model."""
    template = opening.template
    if template and not thinks:
        raise ConfigError(
            f"{opening.spec}: {template.describe()}, but the server says that this model knows no such switch: its "
            f"template has none. Take the key away"
        )
    if more := template.arguments.keys() - {_EFFORT}:
        raise ConfigError(
            f"{opening.spec}: template has {', '.join(sorted(more))}: Ollama hands its templates nothing but {_EFFORT}"
        )
    effort = template.arguments.get(_EFFORT)
    if effort is not None and (template.thinking is not None or not isinstance(effort, str)):
        raise ConfigError(f"{opening.spec}: {_EFFORT} is one text, in place of `thinking`: set one of them")
    return effort if isinstance(effort, str) else template.thinking


def _decoding(settings: Settings, think: bool | str | None) -> dict[str, Any]:
    """What shapes the sampling beside what a request states; empty where nothing does."""
    if settings.as_served:
        return {"as_served": True, **({} if think is None else {"think": think})}
    penalty = {"repeat_penalty": settings.repeat_penalty} if settings.repeat_penalty else {}
    # Older releases told every model that can reason not to, and had no word for it here.
    return {**penalty, **({"think": think} if think else {})}


@dataclass(frozen=True, slots=True)
class OllamaBackend:
    """One model on one server."""

    server: Server
    model: str
    settings: Settings
    fingerprint: Mapping[str, Any]
    think: bool | str | None = None
    by_example: bool = False
    constrains: bool = True
    templated: bool = True
    refusals: Refusals = field(default_factory=Refusals)

    def answer(self, requests: Sequence[Request]) -> Iterator[tuple[Request, Completion | Exception]]:
        at_once = self.settings.parallel or int(os.environ.get("OLLAMA_NUM_PARALLEL") or 1)
        self.refusals.begin()
        # The connection is made here, before the threads that share it.
        with closing(self.server.open()):
            asked = in_threads(requests, self._ask, at_once, patience=_PATIENCE, cut=self.server.cut)
            with closing(asked) as answers:  # type: ignore[type-var]
                yield from answers

    def memory(self) -> int | None:
        """What the server says that the loaded model holds, None where it does not say."""
        import httpx

        names = (self.model, f"{self.model}:latest")
        with closing(self.server.open()) as server, suppress(httpx.HTTPError, OSError, Refused, NotAnAnswer, Cut):
            loaded = server.loaded()
            return next((token_count(loaded[name]) for name in names if name in loaded), None)
        return None

    def held(self, schema: Mapping[str, Any]) -> Held:
        """How an answer is held to ``schema``."""
        return llama_grammar.hold(schema)

    def close(self) -> None:
        """Nothing is held: connections live as long as an ``answer``, and weights as the server was told."""

    def _ask(self, request: Request, stopped: Event) -> Completion:
        """One answer. Waits for a server that is gone or busy, as long as ``patience`` says; asks again where it did
        not finish the answer, and gives that one up after ``_TRIES``."""
        import httpx

        name, given_up, cut, answers = f"ollama:{self.model}", 0.0, 0, 0
        for pause in pauses(_FIRST_PAUSE, _LONGEST_PAUSE):
            try:
                completion = self._answer_once(request, stopped)
                self.refusals.answered()
                return completion
            except Refused as error:
                trouble: Exception = error
                if not _passes(error):
                    if error.status in (401, 403, 404) or self.refusals.concern_all(str(error)):
                        raise BackendDied(f"{name}: the server at {self.server.url} refuses: {error}") from error
                    raise NotAnswered(f"{request.example_id}: {name}: the server refuses this: {error}") from error
            except Cut as error:
                trouble, cut = error, cut + 1
                if cut == _TRIES:
                    raise NotAnswered(f"{request.example_id}: {name}: given up after {cut} tries: {error}") from error
            except NotAnAnswer as error:
                raise BackendDied(f"{name}: {self.server.is_no_ollama(error)}") from error
            except (httpx.HTTPError, ServerError, OSError) as error:
                trouble = error
            # From the first failure on, and not from the beginning of an answer that may have taken longer.
            if not given_up:
                given_up, answers = time.monotonic() + self.settings.patience, self.refusals.answers
            if stopped.is_set() or time.monotonic() + pause > given_up:
                if self.refusals.answers > answers:
                    raise NotAnswered(
                        f"{request.example_id}: {name}: not answered for {self.settings.patience} s, though others are "
                        f"({type(trouble).__name__}: {trouble})"
                    ) from trouble
                raise BackendDied(
                    f"{name}: the server at {self.server.url} did not answer for {self.settings.patience} s "
                    f"({type(trouble).__name__}: {trouble}). Start it again, then run the same command: what was "
                    f"answered is kept"
                ) from trouble
            stopped.wait(pause)
            self._refuse_another_model(trouble)
        raise NotAnswered(f"{request.example_id}: stopped")

    def _refuse_another_model(self, trouble: Exception) -> None:
        """Who comes back may be another: an answer of that one would be stored as ours."""
        try:
            about = self.server.about(self.model)
        except MissingModel:
            return  # not there yet
        if any(about[key] != self.fingerprint[key] for key in about):
            raise BackendDied(
                f"ollama:{self.model}: the server at {self.server.url} came back with another model or version of that "
                f"name; run the same command again"
            ) from trouble

    def _answer_once(self, request: Request, stopped: Event) -> Completion:
        rendered = self._rendered(request)
        # Of a model that is to reason the server takes the reasoning out: what it calls the answer begins outside.
        begins_in = None if self.think else rendered
        end = StopCondition(begins_in, request.prefill, request.decoding.tail, request.reasoning)
        reply, closed = OllamaReply(), False
        with self.server.chat(self._body(request)) as values:
            for value in values:
                piece = reply.add(value)
                closed = not reply.done and end.hear(piece)
                if reply.done or closed:
                    break
                if stopped.is_set():
                    raise NotAnswered(f"{request.example_id}: stopped")
        completion = reply.completion(closed=closed)
        if (
            reply.read is not None
            and not self.settings.as_served
            and reply.read + request.decoding.max_tokens > self.settings.context
        ):
            raise self._too_long(request, reply.read)
        if self.think and completion.thinking is None:
            completion = replace(completion, thinking="")
        return replace(completion, rendered=rendered)

    def _body(self, request: Request) -> dict[str, Any]:
        messages = [asdict(message) for message in request.messages]
        if request.prefill:
            messages.append({"role": "assistant", "content": request.prefill})
        options: dict[str, Any] = {"num_predict": request.decoding.max_tokens}
        if not self.settings.as_served:
            options |= {
                "num_ctx": self.settings.context,
                "temperature": request.decoding.temperature,
                "seed": request.decoding.seed + request.sample,
                "repeat_penalty": self.settings.repeat_penalty or request.decoding.repeat_penalty,
                "repeat_last_n": REPEAT_LAST,
                # Each of these is off so: the server's defaults, and the model's own, would change the answer.
                "presence_penalty": 0.0,
                "frequency_penalty": 0.0,
                "top_k": 0,
                "top_p": 1.0,
                "min_p": 0.0,
                "typical_p": 1.0,
            }
        thinks = {} if self.think is None else {"think": self.think}
        schema = {"format": dict(request.schema)} if request.schema is not None else {}
        return {"model": self.model, "messages": messages, "options": options, **thinks, **schema}

    def _rendered(self, request: Request) -> str | None:
        """The prompt as the server renders it, None where it can't tell. What would spoil the answer is raised."""
        rendered = self.server.rendered(self._body(request))
        if rendered is None:
            return None
        if request.prefill and not rendered.endswith(request.prefill):
            raise BackendDied(
                f"ollama:{self.model}: its template closes the assistant's turn, so that an answer can't begin with "
                f"the prefill {request.prefill!r}: the prompt ends with {rendered[-40:]!r}. Leave the last such turn "
                f"open in the template of the Modelfile, or take the prefill away"
            )
        missing = lost(request.messages, rendered, request.inserted)
        if not missing.spoils:
            return rendered
        if missing.turn is not None and not self._loses_short_ones(request):
            raise self._too_long(request, f"{len(rendered)} characters, after the server left a message out")
        raise BackendDied(f"ollama:{self.model}: its template {told(missing)}")

    def _loses_short_ones(self, request: Request) -> bool:
        """Whether a turn is lost though the server has room for all: then it is the template that leaves it out."""
        short = replace(request, messages=in_place_of(request.messages))
        rendered = self.server.rendered(self._body(short))
        return rendered is not None and lost(short.messages, rendered).spoils

    def _too_long(self, request: Request, prompt: int | str) -> TooLong:
        return too_long(request, prompt, f"context = {self.settings.context}", RAISE)


def _passes(error: Refused) -> bool:
    """Whether a refusal may be gone at the next try: of a server that is busy, or that lost what runs a model."""
    return error.status in _BUSY or error.status > 501 or (error.status == 500 and "runner" in str(error))
