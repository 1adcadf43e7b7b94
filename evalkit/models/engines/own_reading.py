"""A copy of the weights that is shared, read with the tokenizer and the template of one adapter's folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from evalkit.errors import BackendDied
from evalkit.models.engines.torch_weights import HfWeights, Question
from evalkit.models.weights.own_tokenizer import OwnTokenizer


class WithOwnTokenizer(HfWeights):
    """``shared``, for whoever is asked with what an adapter's folder has of its own. Other backends keep theirs."""

    def __init__(self, shared: HfWeights, own: OwnTokenizer) -> None:
        super().__init__(shared.folder, shared.settings)
        self._shared, self._own = shared, own

    def _read(self) -> None:
        self._shared._read()
        self._model = self._shared._model
        if self._tokenizer is not None:
            return
        from transformers import AutoTokenizer

        folder = self._own.folder if self._own.tokenizer else self.folder
        try:
            self._tokenizer = AutoTokenizer.from_pretrained(
                folder, local_files_only=True, trust_remote_code=self.settings.trust_remote_code
            )
        except Exception as error:  # its files may be wrong in any way
            raise BackendDied(f"transformers could not load the tokenizer of {folder}: {error}") from error
        self._tokenizer.chat_template = self._own.template or self._shared._tokenizer.chat_template
        own_end = {self._tokenizer.eos_token_id} - {None}
        self._ends = self._shared._ends | own_end

    def step(self, adapter: Path | None, batch: Sequence[Question], state: Any) -> tuple[list[int], Any]:
        return self._shared.step(adapter, batch, state)

    def unload(self) -> None:
        self._model = None
        self._shared.unload()
