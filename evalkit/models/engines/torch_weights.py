"""One copy of the weights in torch, with the adapters of all backends that share it, and its own loop over tokens."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from evalkit._internal.counts import abbreviate, counted
from evalkit.errors import BackendDied, NotAnswered
from evalkit.golden.model import REPEAT_LAST
from evalkit.models.backend import Completion, FinishReason, digest_of_ids
from evalkit.models.chat_template import NO_ARGUMENTS, TemplateArguments, check_obeyed, need_end
from evalkit.models.constraint.guidance import check_no_reasoning, grammar
from evalkit.models.context import too_long
from evalkit.models.prompt_check import checked, is_cut
from evalkit.models.request import Message, Request
from evalkit.models.stream_end import StopCondition
from evalkit.models.weights.adapter_fit import adapter_config, adapter_tensors, misfit

_ENDS = 32
"""So many tokens at each end of a prompt are read back, to see that the tokenizer gave all of it."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How one copy of the weights is run."""

    dtype: str = "float32"
    batch: int = 16
    device: str = "cpu"
    load: str = ""
    trust_remote_code: bool = False


def nf4(dtype: Any) -> Any:
    """How bitsandbytes quantizes to 4 bits here; ``dtype`` is torch's type to compute in."""
    from transformers import BitsAndBytesConfig

    return BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=dtype)


@dataclass(slots=True, eq=False)
class Question:
    """One request while it is answered."""

    request: Request
    rendered: str
    tokens: list[int]
    answer: list[int] = field(default_factory=list)
    ended: bool = False  # by the model's own end token, which is the last of `answer`
    finish: FinishReason | None = None
    dice: Any = None
    matcher: Any = None  # of llguidance, where the answer is held to a schema
    end: StopCondition = field(init=False)

    def __post_init__(self) -> None:
        self.end = StopCondition(
            self.rendered, self.request.prefill, self.request.decoding.tail, self.request.reasoning
        )

    def again(self) -> Question:
        """The same, from its beginning."""
        return Question(self.request, self.rendered, self.tokens)


class HfWeights:
    """One copy of the weights in torch, with the adapters of all backends that share it."""

    def __init__(self, folder: Path, settings: Settings) -> None:
        self.folder, self.settings = folder, settings
        self._model: Any = None
        self._tokenizer: Any = None
        self._adapters: dict[Path, str] = {}
        self._ends: frozenset[int] = frozenset()
        self._guide: Any = None

    def load(self) -> None:
        """Reads weights and tokenizer, at the first call. Raises BackendDied where transformers can't."""
        self._read()
        if not self._tokenizer.chat_template:
            raise BackendDied(f"{self.folder}: the tokenizer has no chat template, so no prompt can be rendered")
        source = self._tokenizer.chat_template
        for template in source.values() if isinstance(source, Mapping) else (source,):
            need_end(template, str(self.folder))

    def _read(self) -> None:
        if self._model is not None:
            return
        # Read when OpenMP is loaded: threads that spin while they wait are many times slower beside other work.
        os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer
        from transformers.utils import logging

        logging.disable_progress_bar()
        trusted = {"local_files_only": True, "trust_remote_code": self.settings.trust_remote_code}
        dtype = getattr(torch, self.settings.dtype)
        try:
            self._tokenizer = AutoTokenizer.from_pretrained(self.folder, **trusted)
            how = {"quantization_config": nf4(dtype), "device_map": self.settings.device} if self.settings.load else {}
            model = AutoModelForCausalLM.from_pretrained(
                self.folder, dtype=dtype, use_safetensors=True, **how, **trusted
            )
            self._model = (model if how else model.to(self.settings.device)).eval()
        except Exception as error:  # files may be wrong in any way
            raise BackendDied(f"transformers could not load {self.folder}: {error}") from error
        stated = getattr(model.generation_config, "eos_token_id", None)
        ends = stated if isinstance(stated, list) else [stated]
        self._ends = frozenset(token for token in (*ends, self._tokenizer.eos_token_id) if token is not None)

    def unload(self) -> None:
        """Gives the memory back; ``load`` reads them again."""
        self._model, self._adapters = None, {}

    def check_template(self, request: Request, template: TemplateArguments) -> None:
        """Raises BackendDied where the chat template would not heed ``template``."""
        source = self._tokenizer.chat_template
        text = source.get("default") if isinstance(source, Mapping) else source
        check_obeyed(str(self.folder), template, text, lambda keywords: self._rendered(request.messages, keywords))

    def _rendered(self, messages: Sequence[Message], keywords: Mapping[str, Any]) -> str:
        turns, render = [asdict(message) for message in messages], self._tokenizer.apply_chat_template
        return str(render(turns, tokenize=False, add_generation_prompt=True, **keywords))

    def question(self, request: Request, template: TemplateArguments = NO_ARGUMENTS) -> Question:
        """``request`` as the model will read it. Raises NotAnswered where that can't be done."""
        made_by = f"the chat template of {self.folder}"
        rendered = checked(request, lambda messages: self._rendered(messages, template.keywords), made_by)
        rendered += request.prefill
        check_no_reasoning(request, rendered)
        # The template has written the special tokens itself.
        tokens = self._tokenizer.encode(rendered, add_special_tokens=False)
        self._refuse_cut(request, rendered, tokens)
        room = getattr(self._model.config, "max_position_embeddings", None)
        if room and len(tokens) + request.decoding.max_tokens > room:
            raise too_long(request, len(tokens), f"the model's {room}", "shorten the prompt, or take another base")
        return Question(request, rendered, tokens)

    def _refuse_cut(self, request: Request, rendered: str, tokens: list[int]) -> None:
        """Raises NotAnswered where the tokenizer did not give all of the prompt to read."""
        ends = tokens[:_ENDS], tokens[-_ENDS:]
        if any(self._tokenizer.unk_token_id in end for end in ends):
            return  # what it has no token for can't be told from what it cut off
        if is_cut(rendered, *map(self._text, ends)):
            raise NotAnswered(
                f"{request.example_id}: the tokenizer of {self.folder} cuts the prompt: an end is missing in the "
                f"{counted(len(tokens), 'token')} that it makes; take the truncation out of its files"
            )

    def step(self, adapter: Path | None, batch: Sequence[Question], state: Any) -> tuple[list[int], Any]:
        """The next token of every question of ``batch``, and the state to hand to the next step (None at first).

        No ``generate``: its settings come from the model's own files as well, and it draws for a whole batch from
        one stream, so that an answer would depend on what is asked beside it.
        """
        import torch

        # Inside, because another backend that shares the weights may have had its turn since the last step.
        self._use(adapter)
        with torch.inference_mode():
            if state is None:
                longest = max(len(question.tokens) for question in batch)
                gaps = [longest - len(question.tokens) for question in batch]
                rows = [[0] * gap + question.tokens for gap, question in zip(gaps, batch, strict=True)]
                mask = torch.tensor([[0] * gap + [1] * (longest - gap) for gap in gaps], device=self.settings.device)
                positions, cache = (mask.cumsum(-1) - 1).clamp(min=0), None
            else:
                cache, mask, positions = state
                rows = [question.answer[-1:] for question in batch]
                mask, positions = torch.cat([mask, mask.new_ones(len(batch), 1)], dim=-1), positions[:, -1:] + 1
            out = self._model(
                input_ids=torch.tensor(rows, device=self.settings.device),
                attention_mask=mask,
                position_ids=positions,
                past_key_values=cache,
                use_cache=True,
                logits_to_keep=1,
            )
            logits = out.logits[:, -1].float().cpu()
        tokens = [self._draw(question, scores) for question, scores in zip(batch, logits, strict=True)]
        return tokens, (out.past_key_values, mask, positions)

    def _draw(self, question: Question, scores: Any) -> int:
        import torch

        temperature, penalty = question.request.decoding.temperature, question.request.decoding.repeat_penalty
        if penalty != 1:
            scores = scores.clone()  # what inference made is not to be written on
            seen = torch.tensor((question.tokens + question.answer)[-REPEAT_LAST:]).unique()
            scores[seen] = torch.where(scores[seen] > 0, scores[seen] / penalty, scores[seen] * penalty)
        if question.request.schema is not None:
            scores = scores.masked_fill(self._forbidden(question, len(scores)), float("-inf"))
        if temperature == 0:
            return int(scores.argmax())
        if question.dice is None:  # one stream a request, from all that the request says
            question.dice = torch.Generator().manual_seed(int(question.request.key("")[:15], 16))
        return int(torch.multinomial((scores / temperature).softmax(-1), 1, generator=question.dice))

    def _forbidden(self, question: Question, count: int) -> Any:
        """Which of ``count`` tokens the schema does not let ``question`` be answered with next."""
        import numpy as np
        import torch
        from llguidance.numpy import allocate_token_bitmask, fill_next_token_bitmask

        if question.matcher is None:
            question.matcher = self._matcher(question.request, count)
        mask = allocate_token_bitmask(1, count)
        fill_next_token_bitmask(question.matcher, mask)
        if question.matcher.is_error():
            raise BackendDied(f"llguidance failed on {question.request.example_id}: {question.matcher.get_error()}")
        allowed = np.unpackbits(mask[0].view(np.uint8), bitorder="little")[:count]
        return torch.from_numpy(allowed == 0)

    def _matcher(self, request: Request, count: int) -> Any:
        from llguidance import LLMatcher
        from llguidance.hf import from_tokenizer

        if self._guide is None:
            try:
                self._guide = from_tokenizer(self._tokenizer, n_vocab=count, eos_token=sorted(self._ends))
            except ValueError as error:
                raise BackendDied(f"llguidance can't read the tokenizer of {self.folder}: {error}") from error
        return LLMatcher(self._guide, grammar(request.schema or {}))

    def heard(self, question: Question, token: int) -> bool:
        """Takes one more token of an answer; whether the answer is at its end."""
        decoding = question.request.decoding
        question.answer.append(token)
        if token in self._ends:
            question.ended, question.finish = True, "stop"
            return True
        if question.matcher is not None:
            question.matcher.consume_token(token)
        if question.end.hear(self._tokenizer.decode([token], clean_up_tokenization_spaces=False)):
            question.finish = "object_closed"
        elif question.matcher is not None and question.matcher.is_stopped():
            question.finish = "stop"
        elif len(question.answer) >= decoding.max_tokens:
            question.finish = "length"
        return question.finish is not None

    def completion(self, question: Question) -> Completion:
        """What ``question`` was answered."""
        if question.finish is None:
            raise ValueError(f"{question.request.example_id} is not at its end")
        written = question.answer[:-1] if question.ended else question.answer
        # With some of the prompt before it: alone, some tokenizers drop the space that an answer begins with.
        before = question.tokens[-4:]
        whole, start = (self._text(tokens) for tokens in (before + written, before))
        return Completion(
            text=whole[len(start) :] if whole.startswith(start) else self._text(written),
            finish_reason=question.finish,
            rendered=question.rendered,
            prompt_tokens=len(question.tokens),
            completion_tokens=len(question.answer),
            prompt_digest=digest_of_ids(question.tokens),
        )

    def _text(self, tokens: list[int]) -> str:
        # Special tokens stay visible: a model that writes them writes them.
        return str(self._tokenizer.decode(tokens, skip_special_tokens=False, clean_up_tokenization_spaces=False))

    def _use(self, adapter: Path | None) -> None:
        if adapter is not None and adapter not in self._adapters:
            self._read_adapter(adapter)
        if not self._adapters:
            return
        if adapter is None:
            self._model.base_model.disable_adapter_layers()
        else:
            self._model.base_model.enable_adapter_layers()
            self._model.set_adapter(self._adapters[adapter])

    def _lacking(self, name: str, tensors: Sequence[str]) -> list[str]:
        """The tensors that the adapter called ``name`` should have beside ``tensors``; PEFT makes them up."""
        from peft import get_peft_model_state_dict

        expected = get_peft_model_state_dict(self._model, adapter_name=name, save_embedding_layers=False)
        there = {tensor.replace(".default.", ".") for tensor in tensors}
        return sorted(expected.keys() - there)

    def _read_adapter(self, adapter: Path) -> None:
        from peft import PeftModel
        from safetensors import SafetensorError

        tensors = adapter_tensors(adapter)
        is_lora = adapter_config(adapter)["peft_type"] == "LORA"
        base = self._model.get_base_model() if self._adapters else self._model
        if is_lora and (problem := misfit(tensors, {name for name, _ in base.named_modules()})):
            raise BackendDied(f"the adapter {adapter} does not fit {self.folder}: {problem}")
        name = f"adapter-{len(self._adapters)}"
        how = {"adapter_name": name, "autocast_adapter_dtype": False, "use_safetensors": True}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # what peft uses of transformers is not the user's
            warnings.filterwarnings("ignore", "Found missing adapter keys")  # raised below
            try:
                if self._adapters:
                    self._model.load_adapter(adapter, is_trainable=False, **how)
                else:
                    self._model = PeftModel.from_pretrained(self._model, adapter, is_trainable=False, **how)
            except (RuntimeError, ValueError, SafetensorError) as error:
                raise BackendDied(f"the adapter {adapter} does not fit {self.folder}: {error}") from error
        if is_lora and (lacking := self._lacking(name, tensors)):
            raise BackendDied(
                f"the adapter {adapter} is not whole: its configuration names {counted(len(lacking), 'tensor')} that "
                f"its file lacks ({abbreviate(lacking)}). Save or copy it again"
            )
        self._model.eval()
        self._adapters[adapter] = name


def out_of_memory(error: Exception) -> bool:
    """Whether ``error``, raised by torch, says that memory ran out."""
    message = str(error).lower()
    return isinstance(error, MemoryError) or "out of memory" in message or "can't allocate memory" in message
