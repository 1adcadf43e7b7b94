"""A PEFT LoRA adapter as its files say it: its configuration, its pairs of tensors, its scale."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from evalkit._internal.counts import abbreviate, verb
from evalkit.errors import ConfigError, MissingModel

_HARMLESS = {
    "alpha_pattern", "auto_mapping", "base_model_name_or_path", "ensure_weight_tying", "exclude_modules",
    "inference_mode", "layers_pattern", "layers_to_transform", "loftq_config", "lora_alpha", "lora_dropout",
    "megatron_core", "peft_type", "peft_version", "qalora_group_size", "r", "rank_pattern", "revision",
    "target_modules", "task_type", "use_rslora",
}  # fmt: skip
"""Keys of adapter_config.json that a GGUF adapter can hold, or that say nothing of the answers."""

PLAIN_STARTS = (True, False, "gaussian", "orthogonal")
"""Values of init_lora_weights that leave the base's weights as they are (PiSSA and its like do not)."""

_TENSOR = re.compile(r"base_model\.model\.(?P<module>.+)\.lora_(?P<side>[AB])(?:\.default)?\.weight")


def lora_config(path: Path, reader: str) -> Mapping[str, Any]:
    """The adapter_config.json at ``path``, of a LoRA of whatever kind. Raises ConfigError, in ``reader``'s name."""
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
        kind = config.get("peft_type")
        float(config["lora_alpha"]), int(config["r"])
    except (ValueError, AttributeError, KeyError, TypeError, ArithmeticError, RecursionError) as error:
        raise ConfigError(f"{path}: not the configuration of a LoRA adapter ({error!r:.80})") from error
    except OSError as error:
        raise MissingModel(f"{path}: can't be read: {error.strerror}") from error
    if kind != "LORA":
        raise ConfigError(f"{path}: peft_type is {kind!r}; {reader} applies only 'LORA'")
    if (start := config.get("init_lora_weights", True)) not in PLAIN_STARTS:
        raise ConfigError(
            f"{path}: init_lora_weights is {start!r}, which changes the base too. "
            "Save the adapter with path_initial_model_for_weight_conversion, or merge it."
        )
    return config  # type: ignore[no-any-return]


def more_than_lora(config: Mapping[str, Any]) -> Mapping[str, Any]:
    """What ``config`` says that a plain LoRA does not do: its keys with an effect on the answers, and their values.

    >>> more_than_lora({"r": 8, "use_dora": True, "bias": "none", "modules_to_save": None})
    {'use_dora': True}
    """
    without_effect = {"init_lora_weights"} | ({"bias"} if config.get("bias") == "none" else set())
    return {key: value for key, value in config.items() if value and key not in _HARMLESS | without_effect}


def plain_lora_config(path: Path, names: Iterable[str]) -> Mapping[str, Any]:
    """The adapter_config.json at ``path``, of a LoRA that llama.cpp can apply. ``names`` are those of its tensors.

    Raises ConfigError with every key and tensor that a GGUF adapter can't hold.
    """
    config = lora_config(path, "llama.cpp")
    problems = [
        f"{key} is {value!r}, which a GGUF adapter can't express" for key, value in more_than_lora(config).items()
    ]
    if strange := [name for name in names if _TENSOR.fullmatch(name) is None]:
        which = f"{verb(len(strange), 'the tensor', 'the tensors')} {abbreviate(strange)}"
        problems.append(f"{which} {verb(len(strange), 'is none', 'are none')} of a plain LoRA")
    if problems:
        raise ConfigError(
            f"{path}: {'; '.join(problems)}. Merge the adapter into its base and convert the merged folder to a GGUF."
        )
    return config


def lora_pairs(path: Path, names: Iterable[str]) -> Mapping[str, tuple[str, str]]:
    """The names of A and B of every module among ``names``, those of the tensors in the file at ``path``.

    Names that are none of a plain LoRA are left out. Raises MissingModel for a side without the other.
    """
    sides_of: dict[str, dict[str, str]] = {}
    for name in names:
        match = _TENSOR.fullmatch(name)
        if match is not None:
            sides_of.setdefault(match["module"], {})[match["side"]] = name
    if lonely := sorted(module for module, sides in sides_of.items() if len(sides) < 2):
        raise MissingModel(f"{path}: {lonely[0]} has only one of lora_A and lora_B")
    return {module: (sides["A"], sides["B"]) for module, sides in sides_of.items()}


def lora_scale(config: Mapping[str, Any], module: str, rank: int) -> float:
    """What PEFT multiplies B @ A of ``module`` by: alpha / rank, or alpha / sqrt(rank) with rsLoRA.

    >>> lora_scale({"lora_alpha": 8, "alpha_pattern": {"v_proj": 4}}, "model.layers.0.self_attn.v_proj", 2)
    2.0
    """
    alpha = _pattern(config.get("alpha_pattern") or {}, module, float(config["lora_alpha"]))
    return alpha / (math.sqrt(rank) if config.get("use_rslora") else rank)


def _pattern(patterns: Mapping[str, float], module: str, default: float) -> float:
    # As PEFT matches them: a pattern is the end of a module's name, from a dot on, and may be a regular expression.
    hits = (value for key, value in patterns.items() if re.match(rf"(.*\.)?({key})$", module))
    return float(next(hits, default))


def mistaken_scales(config: Mapping[str, Any], module: str, rank: int) -> dict[str, float]:
    """By what else B @ A of ``module`` may have been multiplied: each known confusion in words, and its scale."""
    rooted = bool(config.get("use_rslora"))
    plain = {key: value for key, value in config.items() if key not in ("alpha_pattern", "rank_pattern")}
    scales = {
        "alpha/r instead of alpha/sqrt(r)" if rooted else "alpha/sqrt(r) instead of alpha/r": lora_scale(
            {**config, "use_rslora": not rooted}, module, rank
        ),
        "without alpha and r (a scale of 1)": 1.0,
        "without alpha (1 instead of it)": lora_scale({**plain, "lora_alpha": 1}, module, rank),
        "without dividing by r": lora_scale(config, module, 1),
    }
    if config.get("alpha_pattern") or config.get("rank_pattern"):
        scales["without alpha_pattern and rank_pattern"] = lora_scale(plain, module, int(config["r"]))
    return scales
