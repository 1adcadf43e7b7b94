"""What an adapter's folder has of its own beside the adapter: a chat template or a tokenizer other than its base's.

Trainers save the tokenizer into the folder, mostly as it was. Where it says what the base's says, nothing changes;
where it says something else, the adapter was trained with that, and is asked with it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from evalkit._internal.counts import abbreviate, counted
from evalkit.errors import MissingModel
from evalkit.models.request import canonical
from evalkit.models.weights.gguf_metadata import gguf_metadata
from evalkit.models.weights.tokenizer_files import TokenizerFiles, read_tokenizer_files


@dataclass(frozen=True, slots=True)
class OwnTokenizer:
    """What ``folder``, an adapter's, has of its own. ``template`` is empty where the base's holds.

    ``tokenizer`` is the digest of a tokenizer of its own, empty where the base's holds; ``new`` are the tokens that it
    has and the base's lacks. ``specials`` are the special tokens by their role, for the template.
    """

    folder: Path
    template: str = ""
    tokenizer: str = ""
    new: int = 0
    specials: Mapping[str, str] = field(default_factory=dict, hash=False)

    @property
    def fingerprint(self) -> dict[str, Any]:
        """Its part of a model's fingerprint: a digest for each thing, by what a reader is to be told that it is."""
        template = {"chat template": sha256(self.template.encode(errors="surrogatepass")).hexdigest()}
        name = f"tokenizer with {counted(self.new, 'new token')}" if self.new else "tokenizer"
        return {
            "adapter_own": {
                **(template if self.template else {}),
                **({name: self.tokenizer} if self.tokenizer else {}),
            }
        }


def own_beside(adapter: Path, base: Path, rows: int | None) -> OwnTokenizer | None:
    """What the PEFT folder ``adapter`` has of its own beside the folder ``base``, whose embedding has so many rows.

    Raises MissingModel where its tokenizer has tokens for which the base has no row.
    """
    own = read_tokenizer_files(adapter)
    if not (own.template or own.tokenizer):
        return None
    of_base = read_tokenizer_files(base)
    differs = bool(own.tokenizer) and (own.tokenizer != of_base.tokenizer or not own.has_ends_of(of_base))
    known, ids = of_base.vocabulary if differs else {}, own.vocabulary if differs else {}
    new = sorted(ids.keys() - known.keys(), key=ids.__getitem__) if known else []
    if rows is not None and (beyond := [token for token in new if ids[token] >= rows]):
        raise MissingModel(_lacks(adapter, base, beyond, max(ids.values()) + 1))
    return _own(adapter, own, of_base, new=len(new), differs=differs)


def own_beside_gguf(adapter: Path, base: Path) -> OwnTokenizer | None:
    """The same beside the file ``base``. llama.cpp has the file's tokenizer and no other: raises MissingModel where the
    folder's makes other tokens."""
    if not adapter.is_dir():
        return None
    own = read_tokenizer_files(adapter)
    if not (own.template or own.tokenizer):
        return None
    of_base, tokens = _of_gguf(base)
    ids = own.vocabulary
    beyond = [token for token, number in ids.items() if number >= len(tokens) or tokens[number].startswith("[PAD")]
    if beyond:
        raise MissingModel(_lacks(adapter, base, sorted(beyond, key=ids.__getitem__), max(ids.values()) + 1))
    # The converter writes some added tokens with their spaces as they are shown.
    if other := [token for token, number in ids.items() if tokens[number].replace("▁", " ") != token.replace("▁", " ")]:
        raise MissingModel(
            f"{adapter}: its tokenizer has other tokens than {base} at {counted(len(other), 'place')} "
            f"({abbreviate([repr(token) for token in other])}), and llama.cpp reads prompts with the file's. Was it "
            f"trained on another base? Merge the adapter into that and convert the merged folder"
        )
    return _own(adapter, own, of_base, new=0, differs=False)


def _own(adapter: Path, own: TokenizerFiles, base: TokenizerFiles, *, new: int, differs: bool) -> OwnTokenizer | None:
    template = own.template if own.template.strip() != base.template.strip() else ""
    tokenizer = sha256(canonical([own.tokenizer, dict(own.specials)]).encode()).hexdigest() if differs else ""
    if not (template or tokenizer):
        return None
    return OwnTokenizer(adapter, template, tokenizer, new, {**base.specials, **own.specials})


def _lacks(adapter: Path, base: Path, tokens: Sequence[str], size: int) -> str:
    return (
        f"{adapter}: its tokenizer adds {counted(len(tokens), 'token')} that {base} lacks "
        f"({abbreviate([repr(token) for token in tokens])}). Merge the adapter into the base with the resized "
        f"embedding that it was trained on, and test the merged folder; or resize this base as the training did, with "
        f"model.resize_token_embeddings({size}), save it, and name that as the base"
    )


@lru_cache(maxsize=4)
def _read_gguf(path: Path, size: int, changed: int) -> tuple[TokenizerFiles, tuple[str, ...]]:  # noqa: ARG001
    roles = {"bos_token": "tokenizer.ggml.bos_token_id", "eos_token": "tokenizer.ggml.eos_token_id"}
    said = gguf_metadata(path, ("tokenizer.chat_template", "tokenizer.ggml.tokens", *roles.values()))
    tokens = tuple(said.get("tokenizer.ggml.tokens", ()))
    specials = {role: tokens[said[key]] for role, key in roles.items() if key in said and said[key] < len(tokens)}
    return TokenizerFiles(said.get("tokenizer.chat_template", ""), {}, specials), tokens


def _of_gguf(path: Path) -> tuple[TokenizerFiles, tuple[str, ...]]:
    """The template and special tokens of the file at ``path``, and its tokens by their ids; read once."""
    state = path.stat()
    return _read_gguf(path, state.st_size, state.st_mtime_ns)
