"""A merge check as text: the verdict, then the layers that are furthest from whole."""

from __future__ import annotations

from evalkit._internal.counts import counted, verb
from evalkit.models.weights.merge_check import MergeReport
from evalkit.models.weights.merge_stats import Layer


def render(report: MergeReport, most: int = 12) -> str:
    """The verdict, then a table of the ``most`` layers that are furthest from whole, and the worst other tensors."""
    lines = [f"{report.verdict}: {report.merged}", *report.sentence().splitlines(), ""]
    layers = sorted(report.layers, key=_distance, reverse=True)[:most]
    width = max((len(layer.name) for layer in layers), default=5)
    lines.append(f"{'layer':<{width}}  {'state':<8}  {'type':<4}  survived  expected  residual  rounding  |U|/|B|")
    for layer in layers:
        figures = (layer.survived, layer.expected, layer.residual, layer.explained, layer.update)
        lines.append(f"{layer.name:<{width}}  {layer.state:<8}  {layer.kind:<4}  " + "  ".join(map(_cell, figures)))
    if rest := len(report.layers) - len(layers):
        lines.append(f"... and {counted(rest, 'more layer')}, none further off (--format=json has all)")
    changed = sum(tensor.changed for tensor in report.others)
    others = f"{counted(len(report.others), 'tensor')} without an adapter"
    lines.append(f"{changed} of {others} {verb(changed, 'differs', 'differ')} from the base")
    return "\n".join(lines) + "\n"


def _distance(layer: Layer) -> tuple[bool, float]:
    """Those that are not merged first; of each, the furthest from a share of 1."""
    return layer.state != "merged", abs((layer.survived if layer.survived is not None else 1.0) - 1.0)


def _cell(value: float | None) -> str:
    return f"{'-' if value is None else f'{value:.3g}':>8}"
