"""The tokenizer and the chat template that a folder of transformers holds: a model's, or an adapter's own."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from evalkit.errors import MissingModel

_SPECIALS = ("bos_token", "eos_token", "unk_token", "pad_token")
_SET_BY_TRAINING = ("truncation", "padding", "version")
"""Parts of tokenizer.json that a trainer leaves as it last used them; they make no other tokens of a prompt."""


@dataclass(frozen=True, slots=True)
class TokenizerFiles:
    """What the files of a folder say, read without a library. What is not there is empty.

    ``tokenizer`` is tokenizer.json but for what a trainer leaves in it, ``specials`` the special tokens by their role.
    """

    template: str = ""
    tokenizer: Mapping[str, Any] = field(default_factory=dict)
    specials: Mapping[str, str] = field(default_factory=dict)
    place: Path = field(default=Path(), compare=False)

    @property
    def vocabulary(self) -> dict[str, int]:
        """The id of every token, of those too that were added. Raises MissingModel where the file has another form."""
        with _in_form(self.place / "tokenizer.json"):
            listed = self.tokenizer.get("model", {}).get("vocab", {})
            ids = dict(listed) if isinstance(listed, dict) else {item[0]: number for number, item in enumerate(listed)}
            return ids | {token["content"]: token["id"] for token in self.tokenizer.get("added_tokens", ())}

    def has_ends_of(self, other: TokenizerFiles) -> bool:
        """Whether answers end as with ``other``, as far as both say."""
        return all(
            self.specials[role] == other.specials[role]
            for role in ("bos_token", "eos_token")
            if role in self.specials and role in other.specials
        )


def read_tokenizer_files(folder: Path) -> TokenizerFiles:
    """What ``folder`` holds of a tokenizer. Raises MissingModel for a file that is not what it should be."""
    config = _table(folder / "tokenizer_config.json")
    tokenizer = _table(folder / "tokenizer.json")
    named = {**_table(folder / "special_tokens_map.json"), **config}
    kept = {key: value for key, value in tokenizer.items() if key not in _SET_BY_TRAINING}
    with _in_form(folder / "tokenizer_config.json"):
        specials = {role: _content(named[role]) for role in _SPECIALS if named.get(role)}
        return TokenizerFiles(_template(folder, config), kept, specials, folder)


@contextmanager
def _in_form(path: Path) -> Iterator[None]:
    """Raises MissingModel where what is read in the block has another form than a tokenizer's file."""
    try:
        yield
    except (KeyError, TypeError, AttributeError, ValueError, IndexError) as error:
        raise MissingModel(f"{path}: not as a tokenizer is saved ({error!r:.80}). Save the tokenizer again") from error


def _template(folder: Path, config: Mapping[str, Any]) -> str:
    file = folder / "chat_template.jinja"
    if file.is_file():
        return file.read_text(encoding="utf-8")
    stated = _table(folder / "chat_template.json").get("chat_template", config.get("chat_template")) or ""
    if isinstance(stated, list):  # several by name: what a chat is rendered with is called default
        stated = next((entry["template"] for entry in stated if entry.get("name") == "default"), "")
    return str(stated)


def _content(token: object) -> str:
    return str(token["content"]) if isinstance(token, dict) else str(token)


def _table(path: Path) -> Mapping[str, Any]:
    if not path.is_file():
        return {}
    try:
        table = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise MissingModel(f"{path}: not valid JSON ({error}). Save the tokenizer again") from error
    if not isinstance(table, dict):
        raise MissingModel(f"{path}: got {table!r:.60}, expected an object. Save the tokenizer again")
    return table
