"""Whether an adapter's tensors are for modules that a model has: PEFT leaves out those that are not, with a warning."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

from evalkit._internal.counts import abbreviate, counted
from evalkit.errors import ConfigError, MissingModel
from evalkit.models.weights.lora import PLAIN_STARTS
from evalkit.models.weights.tensors import open_safetensors

_PREFIX = "base_model.model."
_OF_MODULE = re.compile(
    r"(\.(lora_[A-Za-z_]+|base_layer|modules_to_save|original_module|token_adapter|trainable_tokens_\w+|default"
    r"|weight|bias))+$"
)


def adapter_tensors(adapter: Path) -> tuple[str, ...]:
    """The names of the tensors of the PEFT folder ``adapter``. Raises MissingModel where the file is torn."""
    return tuple(open_safetensors(adapter / "adapter_model.safetensors"))


def adapter_config(adapter: Path) -> Mapping[str, Any]:
    """The configuration of the PEFT folder ``adapter``. Raises ConfigError where it is none."""
    path = adapter / "adapter_config.json"
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
        return {"peft_type": config["peft_type"], **config}
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ConfigError(f"{path}: not the configuration of a PEFT adapter ({error!r:.80})") from error
    except OSError as error:
        raise MissingModel(f"{path}: can't be read: {error.strerror}") from error


def module_of(tensor: str) -> str:
    """The module that a LoRA adapter's tensor is for.

    >>> module_of("base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight")
    'model.layers.0.self_attn.q_proj'
    """
    return _OF_MODULE.sub("", tensor.removeprefix(_PREFIX))


def misfit(tensors: Iterable[str], modules: Collection[str]) -> str:
    """What is wrong where some of a LoRA adapter's ``tensors`` are for none of a model's ``modules``; else nothing."""
    names = list(tensors)
    strange = [name for name in names if module_of(name) not in modules]
    if not strange:
        return ""
    of = dict.fromkeys(map(module_of, strange))
    count = f"none of its {counted(len(names), 'tensor')} is" if len(strange) == len(names) else (
        f"{len(strange)} of its {counted(len(names), 'tensor')} are not"
    )  # fmt: skip
    return (
        f"{count} for a module of this model, which lacks {abbreviate(list(of))}. They would be left out, and the "
        f"answers be those of the base: name the base that it was trained on, or save it from the bare model"
    )


def writes_on_base(adapter: Path) -> bool:
    """Whether loading ``adapter`` changes the base's own weights, so that it needs a copy for itself: it was begun with
    a part of them (PiSSA and its like), or holds whole tensors in their place."""
    config = adapter_config(adapter)
    kept_apart = tuple(config.get("modules_to_save") or ())
    whole = [name for name in adapter_tensors(adapter) if "lora_" not in name and "trainable_tokens" not in name]
    in_place = [name for name in whole if not module_of(name).endswith(kept_apart or ("\0",))]
    plain = config.get("init_lora_weights", True) in PLAIN_STARTS
    return config["peft_type"] == "LORA" and (bool(in_place) or not plain)
