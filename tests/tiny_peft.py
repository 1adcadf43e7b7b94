"""Models of a few kilobytes, adapted, run and merged by PEFT itself: what a merge check is held against."""

from __future__ import annotations

import json
import shutil
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM

from evalkit.models.weights.merge_check import MergeReport, check_merge

PLAIN: dict[str, Any] = {"target_modules": ["q_proj", "v_proj", "up_proj"]}
TOKENS = torch.arange(1, 40)[None]

_LLAMA: dict[str, Any] = {
    "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2, "num_attention_heads": 4,
    "num_key_value_heads": 4, "attention_bias": True,
}  # fmt: skip
_GPT2: dict[str, Any] = {"n_embd": 64, "n_layer": 2, "n_head": 4, "vocab_size": 128, "n_positions": 64}


@dataclass(frozen=True)
class Tuned:
    """A base and an adapter of it, as folders in ``root``."""

    root: Path
    base: Path
    adapter: Path

    def merge(
        self,
        adapter: Path | None = None,
        base: Path | None = None,
        dtype: torch.dtype = torch.float32,
        name: str = "merged",
    ) -> Path:
        """What PEFT merges, saved as ``name``."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = PeftModel.from_pretrained(load(base or self.base, dtype), adapter or self.adapter)
            model.merge_and_unload().save_pretrained(self.root / name)
        return self.root / name

    def check(self, merged: Path) -> MergeReport:
        return check_merge(self.base, self.adapter, merged)

    def logits(self) -> torch.Tensor:
        """What the adapter on its base answers."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return logits(PeftModel.from_pretrained(load(self.base), self.adapter))

    def tensors(self) -> dict[str, torch.Tensor]:
        """Those of the adapter."""
        return dict(load_file(self.adapter / "adapter_model.safetensors"))

    def saved(self, tensors: dict[str, torch.Tensor]) -> None:
        """Writes the adapter's tensors anew."""
        save_file(tensors, self.adapter / "adapter_model.safetensors", {"format": "pt"})

    def states(self, **changes: Any) -> Path:
        """The adapter with other values in its adapter_config.json, as a folder beside it."""
        copy = Path(shutil.copytree(self.adapter, self.root / "stated"))
        config = json.loads((copy / "adapter_config.json").read_text())
        (copy / "adapter_config.json").write_text(json.dumps(config | changes))
        return copy


def tuned(
    root: Path,
    *,
    tied: bool = False,
    dtype: torch.dtype = torch.float32,
    gpt2: bool = False,
    wide: int = 128,
    **config: Any,
) -> Tuned:
    """A base with drawn weights, and an adapter that looks as if it had been trained."""
    torch.manual_seed(1)
    made = GPT2LMHeadModel(GPT2Config(**_GPT2, tie_word_embeddings=tied)) if gpt2 else None
    model = made or LlamaForCausalLM(LlamaConfig(**_LLAMA, vocab_size=wide, tie_word_embeddings=tied))
    for name, parameter in model.named_parameters():
        if name.endswith(".bias"):
            torch.nn.init.normal_(parameter, std=0.02)
    model.to(dtype).save_pretrained(root / "base")
    adapter(root / "base", root / "adapter", **config)
    return Tuned(root, root / "base", root / "adapter")


def adapter(base: Path, target: Path, seed: int = 2, dtype: torch.dtype | None = None, **config: Any) -> Path:
    torch.manual_seed(seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = get_peft_model(load(base, dtype or "auto"), LoraConfig(**{"r": 4, "lora_alpha": 12, **config}))
        with torch.no_grad():
            for parameter in model.parameters():
                if parameter.requires_grad:
                    parameter += 0.05 * (0.2 + parameter.abs().mean()) * torch.randn_like(parameter)
        model.save_pretrained(target)
    return target


def load(folder: Path, dtype: torch.dtype | str = torch.float32) -> Any:
    return AutoModelForCausalLM.from_pretrained(folder, dtype=dtype, local_files_only=True).eval()


def logits(model: Any) -> torch.Tensor:
    with torch.no_grad():
        return model.eval()(input_ids=TOKENS).logits.float()


def edit(folder: Path, **config: Any) -> dict[str, torch.Tensor]:
    """The tensors of the model in ``folder``, whose config.json then says ``config``."""
    stated = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(stated | config))
    return dict(load_file(folder / "model.safetensors"))


def write(folder: Path, tensors: dict[str, torch.Tensor]) -> Path:
    save_file(
        {name: tensor.contiguous() for name, tensor in tensors.items()}, folder / "model.safetensors", {"format": "pt"}
    )
    return folder
