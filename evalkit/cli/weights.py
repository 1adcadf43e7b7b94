"""Commands about weights: is a merge what it should be."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path

import click

from evalkit.cli.project import say


@click.command("merge-check")
@click.argument("base", type=click.Path(path_type=Path))
@click.argument("adapter", type=click.Path(path_type=Path))
@click.argument("merged", type=click.Path(path_type=Path))
@click.option("--format", "form", type=click.Choice(["terminal", "json"]), default="terminal")
def merge_check(base: Path, adapter: Path, merged: Path, form: str) -> None:
    """Say whether MERGED (a safetensors folder or a .gguf) is BASE plus the PEFT LoRA ADAPTER. Runs no model."""
    from evalkit.models.weights.merge_check import check_merge
    from evalkit.reports.merge import render

    report = check_merge(base, adapter, merged)
    say(json.dumps(asdict(report), indent=1) if form == "json" else render(report).rstrip("\n"))
    sys.exit(0 if report.whole else 1)
