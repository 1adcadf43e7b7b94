"""A copy of the weights in llama.cpp that is shared, asked with the chat template of one adapter's folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from evalkit.models.chat_rendering import render_chat
from evalkit.models.chat_template import need_end
from evalkit.models.engines.llama_cpp import Engine
from evalkit.models.request import Message
from evalkit.models.weights.own_tokenizer import OwnTokenizer


class WithOwnTemplate(Engine):
    """``shared``, for whoever is asked with what an adapter's folder has of its own. Other backends keep the file's.

    llama.cpp takes a template only while it loads, so this one is rendered here, as transformers renders it.
    """

    def __init__(self, shared: Engine, own: OwnTokenizer) -> None:
        super().__init__(shared.model, shared.settings, shared.cache)
        self._shared, self._own = shared, own
        self._begins, self._templated_by = "", own.folder

    def register(self, adapter: Path | None) -> None:
        self._shared.register(adapter)

    def close(self) -> None:
        self._server = None
        self._shared.close()

    def _load(self) -> None:
        shared = self._shared
        need_end(self._own.template, str(self._own.folder))
        shared._load()
        self._server, self._key = shared._server, shared._key
        self._adapters, self._checked, self._source = shared._adapters, shared._checked, self._own.template
        # What the file says that every prompt begins with llama.cpp writes itself.
        adds = self._post("/tokenize", {"content": "", "add_special": True})["tokens"]
        self._begins = self._own.specials.get("bos_token", "") if adds else ""

    def _rendered(self, messages: Sequence[Message], keywords: Mapping[str, Any]) -> str:
        turns = [asdict(message) for message in messages]
        return render_chat(self._own.template, turns, self._own.specials, keywords).removeprefix(self._begins)
