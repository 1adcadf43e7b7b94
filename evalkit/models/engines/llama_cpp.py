"""One copy of the weights in llama.cpp, in this process, with the adapters of all backends that share it."""

from __future__ import annotations

import json
import os
import secrets
import urllib.error
import urllib.request
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from threading import Event
from typing import Any

from evalkit._internal.threads import in_threads
from evalkit.errors import BackendDied, NotAnswered
from evalkit.golden.model import REPEAT_LAST
from evalkit.models.backend import Completion, digest_of_ids
from evalkit.models.chat_template import (
    NO_ARGUMENTS,
    SWITCHES,
    TemplateArguments,
    check_obeyed,
    need_end,
    own_default,
)
from evalkit.models.constraint.guidance import check_no_reasoning, for_llama_cpp
from evalkit.models.context import RAISE, too_long
from evalkit.models.engines.llama_cpp_watch import Watch
from evalkit.models.engines.standard_error import hear_standard_error
from evalkit.models.prompt_check import checked, stop_if_all
from evalkit.models.request import Message, Request, canonical

CHUNK = 64
"""Where reproducible, so many tokens of a prompt are read at once: what was read of them before is only reused up to a
multiple of it. So a token is always read beside the same others, whatever is asked before."""

_ONE_TOKEN = {"prompt": "a", "n_predict": 1, "temperature": 0}
"""The least that can be asked, where it is not the answer that matters."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How one copy of the weights is run."""

    context: int = 1024
    slots: int = 6
    threads: int = 0
    reproducible: bool = True


@dataclass(frozen=True, slots=True)
class _Prompt:
    """A request as the model will read it."""

    request: Request
    rendered: str
    tokens: list[int]


class Engine:
    """One copy of the weights in llama.cpp, with the adapters of all backends that share it."""

    def __init__(self, model: Path, settings: Settings, cache: Path) -> None:
        self.model, self.settings, self.cache = model, settings, cache
        self._adapters: list[Path] = []
        self._checked: set[str] = set()
        self._server: Any = None
        self._source, self._unset = "", dict[str, bool]()
        self._templated_by = model
        self._key = secrets.token_hex(16)
        self._state = cache / f"slot-{secrets.token_hex(8)}.state"

    def register(self, adapter: Path | None) -> None:
        """Makes room for ``adapter``; llama.cpp takes adapters only while it loads."""
        if adapter is not None and adapter not in self._adapters:
            self._adapters.append(adapter)
            self.close()

    def close(self) -> None:
        self._server = None

    def answer(
        self, requests: Sequence[Request], adapter: Path | None, template: TemplateArguments = NO_ARGUMENTS
    ) -> Iterator[tuple[Request, Completion | Exception]]:
        """Answers ``requests`` by the weights with ``adapter``.

        Where reproducible, one after the other. Else the first alone, then the others, all slots busy.
        """
        self._load()
        self._check_schemas(requests)
        prompts, refused = self._prompts(requests, template)
        yield from refused
        self._check_template(prompts, template)
        lora = [{"id": n, "scale": float(path == adapter)} for n, path in enumerate(self._adapters)]
        if self.settings.reproducible:
            yield from self._in_turn(prompts, lora)
            return
        shares = self.settings.slots > 1 and len(prompts) > 1
        first, rest = (prompts[:1], prompts[1:]) if shares else ([], prompts)
        with closing(self._ask_all(first, {"lora": lora, "id_slot": 0})) as alone:
            for request, result in alone:
                yield request, result
                # What was not answered may not have been read: the slot may hold what another adapter made of a prompt.
                if isinstance(result, Completion):
                    self._share_prompt(lora, min(self.settings.slots, len(rest)))
        yield from self._ask_all(rest, {"lora": lora})

    def _prompts(
        self, requests: Sequence[Request], template: TemplateArguments
    ) -> tuple[list[_Prompt], list[tuple[Request, NotAnswered]]]:
        """What the model will read, and the requests of which it can't be made; BackendDied where it can of none."""
        prompts: list[_Prompt] = []
        refused: list[tuple[Request, NotAnswered]] = []
        for request in requests:
            try:
                prompts.append(self._prompt(request, template))
            except NotAnswered as error:
                refused.append((request, error))
        stop_if_all([error for _, error in refused], len(requests))
        return prompts, refused

    def _prompt(self, request: Request, template: TemplateArguments) -> _Prompt:
        """The prompt as the model's template renders it, with the prefill, and its token ids."""
        made_by = f"the chat template of {self._templated_by}"
        rendered = checked(request, lambda messages: self._rendered(messages, template.keywords), made_by)
        rendered += request.prefill
        body = {"content": rendered, "add_special": True, "parse_special": True}
        return _Prompt(request, rendered, self._post("/tokenize", body)["tokens"])

    def _in_turn(
        self, prompts: Sequence[_Prompt], lora: Sequence[Mapping[str, Any]]
    ) -> Generator[tuple[Request, Completion | Exception]]:
        """One sequence in each step of the model, and a shared beginning read once, in the chunks in which each prompt
        would be read alone: an answer is the same whatever is asked before it or beside it."""
        shared = self._read_shared([prompt.tokens for prompt in prompts], lora)
        how = {"lora": lora, "id_slot": 0, "cache_prompt": bool(shared)}

        def ask(prompt: _Prompt, stopped: Event) -> Completion:
            if shared:
                # The slot holds the last prompt and its answer, of which the next may share more than whole chunks.
                self._post("/slots/0?action=restore", {"filename": self._state.name})
            return self._ask(prompt, how, stopped)

        try:
            with closing(in_threads(prompts, ask, 1)) as answers:  # type: ignore[type-var]
                for prompt, result in answers:
                    yield prompt.request, result
        finally:
            with suppress(OSError):
                self._state.unlink()

    def _read_shared(self, prompts: Sequence[list[int]], lora: Sequence[Mapping[str, Any]]) -> int:
        """Reads the beginning that all prompts share, in whole chunks, and keeps what was made of it: how many tokens.

        0 where there is none, or it can't be kept (a full disk): then each prompt is read from its first token.
        """
        # The last token of a prompt is always read again: a chunk must not end there.
        shared = shared_chunks(prompts) if len(prompts) > 1 else 0
        if shared:
            body = {**_ONE_TOKEN, "prompt": prompts[0][:shared], "lora": lora, "id_slot": 0, "cache_prompt": False}
            self._server.handle_completions({**body, "n_predict": 0})
            try:
                kept = self._post("/slots/0?action=save", {"filename": self._state.name})["n_saved"]
            except NotAnswered:
                return 0
            if kept != shared:
                raise BackendDied(f"llama.cpp kept {kept} of {shared} tokens: take reproducible = false")
        return shared

    def _ask_all(
        self, prompts: Sequence[_Prompt], how: Mapping[str, Any]
    ) -> Generator[tuple[Request, Completion | Exception]]:
        # The workers sit in C, where Ctrl-C is not heard: they look at the event with every token.
        answers = in_threads(prompts, lambda prompt, stopped: self._ask(prompt, how, stopped), self.settings.slots)
        with closing(answers):  # type: ignore[type-var]
            for prompt, result in answers:
                yield prompt.request, result

    def _share_prompt(self, lora: Sequence[Mapping[str, Any]], slots: int) -> None:
        """Copies what the first slot has read into the others: what their prompts share with it they need not read.

        A slot that can't have it (a full disk) reads for itself, which takes longer and gives no other answer.
        """
        try:
            with suppress(NotAnswered):
                self._post("/slots/0?action=save", {"filename": self._state.name})
                for slot in range(1, slots):
                    # A slot that comes from another adapter throws away what it holds: let it do so before.
                    self._server.handle_completions({**_ONE_TOKEN, "lora": lora, "id_slot": slot})
                    self._post(f"/slots/{slot}?action=restore", {"filename": self._state.name})
        finally:
            with suppress(OSError):
                self._state.unlink()

    def _load(self) -> None:
        if self._server is not None:
            return
        # Read when OpenMP is loaded: threads that spin while they wait are many times slower beside other work. A few
        # turns, and no more, are a tenth faster on a machine that has nothing else to do.
        os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
        os.environ.setdefault("GOMP_SPINCOUNT", "1000")
        import xllamacpp

        from evalkit.models.weights.gguf_metadata import gguf_chat_template

        need_end(gguf_chat_template(self.model), str(self.model))  # llama.cpp renders it while it loads
        p = xllamacpp.CommonParams()
        p.model.path = str(self.model)
        p.n_parallel = self.settings.slots
        p.n_ctx = self.settings.context * self.settings.slots
        p.cpuparams.n_threads = p.cpuparams_batch.n_threads = self.settings.threads
        p.verbosity = 1
        p.fit_params = False
        if self.settings.reproducible:
            p.n_ubatch = CHUNK
        p.api_keys = [self._key]
        self.cache.mkdir(parents=True, exist_ok=True)
        p.slot_save_path = f"{self.cache.absolute()}{os.sep}"
        # llama.cpp's cache of prompts in RAM hands one adapter's state to another (upstream issue 26207).
        p.cache_ram_mib = 0
        p.lora_adapters = [xllamacpp.CommonAdapterLoraInfo(str(self._gguf(path)), 0.0) for path in self._adapters]
        with hear_standard_error() as heard:
            try:
                self._server = xllamacpp.Server(p)
            except Exception as error:  # which says only that it failed
                raise BackendDied(f"llama.cpp could not load {self.model}: {heard.cause or error}") from error
        # A server that is dropped before it has answered can hang for ever: let it answer once.
        self._server.handle_completions(_ONE_TOKEN)
        self._source = str(self._get("/props").get("chat_template") or "")
        default = own_default(self._source)
        # llama.cpp sets the switch in any case, and off where it does not know the marks of the template.
        self._unset = {} if default is None else {SWITCHES[0]: default}

    def _check_schemas(self, requests: Sequence[Request]) -> None:
        """Raises BackendDied for a schema that llama.cpp can't hold answers to: it would leave them free."""
        for request in requests:
            if request.schema is None or (text := canonical(request.schema)) in self._checked:
                continue
            # A first word that is no JSON is made all but certain; it comes only where nothing forbids it.
            body = {**_ONE_TOKEN, "logit_bias": [["Hello", 100.0]]}
            answer = self._server.handle_completions({**body, "json_schema": for_llama_cpp(request.schema)})
            if "error" in answer or answer["choices"][0]["text"].strip() in "Hello":
                raise BackendDied(
                    f"llama.cpp can't hold answers to the schema of {request.task} (what it does not know stands on "
                    f"standard error); write the schema without that, or take `constrained` away"
                )
            self._checked.add(text)

    def _gguf(self, adapter: Path) -> Path:
        if adapter.is_file():
            return adapter
        from evalkit.models.weights.lora_gguf import gguf_adapter

        return gguf_adapter(adapter, self.model, self.cache)

    def _check_template(self, prompts: Sequence[_Prompt], template: TemplateArguments) -> None:
        """Raises BackendDied where the template would not heed what the alias hands it."""
        if template and prompts:
            messages = prompts[0].request.messages
            check_obeyed(
                str(self._templated_by), template, self._source, lambda keywords: self._rendered(messages, keywords)
            )

    def _rendered(self, messages: Sequence[Message], keywords: Mapping[str, Any]) -> str:
        """The prompt as the model's template renders it."""
        handed = {**self._unset, **keywords}
        kwargs = {"chat_template_kwargs": handed} if handed else {}
        body = {"messages": [asdict(message) for message in messages], **kwargs}
        return str(self._post("/apply-template", body)["prompt"])

    def _ask(self, prompt: _Prompt, how: Mapping[str, Any], stopped: Event) -> Completion:
        request, rendered, tokens = prompt.request, prompt.rendered, prompt.tokens
        check_no_reasoning(request, rendered)
        room = self.settings.context - len(tokens)
        if room < request.decoding.max_tokens:
            raise too_long(request, len(tokens), f"context = {self.settings.context}", RAISE)
        watch = Watch(request, rendered, stopped)
        body = {
            "prompt": tokens,
            "n_predict": request.decoding.max_tokens,
            "temperature": request.decoding.temperature,
            "seed": request.decoding.seed + request.sample,
            # The file's own sampling metadata would change even a greedy answer.
            "samplers": ["penalties", "temperature"] if request.decoding.repeat_penalty != 1 else ["temperature"],
            "repeat_penalty": request.decoding.repeat_penalty,
            "repeat_last_n": REPEAT_LAST,
            "presence_penalty": 0.0,
            "frequency_penalty": 0.0,
            "cache_prompt": True,
            "stream": True,
            **how,
            **({} if request.schema is None else {"json_schema": for_llama_cpp(request.schema)}),
        }
        refused = self._server.handle_completions(body, watch)
        error = watch.error or (refused if isinstance(refused, dict) and "error" in refused else None)
        if error:
            raise NotAnswered(f"{request.example_id}: llama.cpp: {error}")
        if stopped.is_set() and watch.finish is None:
            raise NotAnswered(f"{request.example_id}: stopped")
        if watch.finish is None:
            raise BackendDied(f"llama.cpp ended the answer to {request.example_id} without saying why")
        return Completion(
            text="".join(watch.pieces),
            finish_reason=watch.finish,
            rendered=rendered,
            prompt_tokens=len(tokens),
            completion_tokens=watch.count,
            prompt_digest=digest_of_ids(tokens),
        )

    def _get(self, path: str) -> Any:
        return self._post(path, None)

    def _post(self, path: str, body: Mapping[str, Any] | None) -> Any:
        request = urllib.request.Request(
            self._server.listening_address + path,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json", "Authorization": f"Bearer {self._key}"},
        )
        try:
            with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=60) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise NotAnswered(f"{refusal(error.read().decode(errors='replace'))} (llama.cpp, {path})") from error
        except OSError as error:
            raise BackendDied(f"llama.cpp does not answer {path}: {error}") from error


def refusal(body: str) -> str:
    """What llama.cpp says in the ``body`` of an error; of a template's, what the template itself says.

    >>> refusal('{"error": {"message": "While executing ...\\\\nError: Jinja Exception: One turn only", "code": 400}}')
    'One turn only'
    """
    with suppress(ValueError, KeyError, TypeError):
        body = str(json.loads(body)["error"]["message"])
    return body.rpartition("\nError: ")[2].removeprefix("Jinja Exception: ")


def shared_chunks(prompts: Sequence[Sequence[int]], chunk: int = CHUNK) -> int:
    """How many tokens all ``prompts`` begin with, in whole chunks, one token of each at least left out.

    >>> shared_chunks([[1, 2, 3, 4, 5], [1, 2, 3, 4, 6]], chunk=2), shared_chunks([[1, 2, 3, 4], [1, 2, 3, 4]], chunk=2)
    (4, 2)
    """
    # What the first and the last in the order of their tokens share, all between them share too.
    least, most = min(map(list, prompts)), max(map(list, prompts))
    end = min(map(len, prompts)) - 1
    same = next((place for place in range(end) if least[place] != most[place]), end)
    return same // chunk * chunk
