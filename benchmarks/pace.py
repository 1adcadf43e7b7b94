"""How fast this machine is at this hour: a fixed piece of work against figures of reference.

Run it as ``python benchmarks/pace.py [--record | --limit MINUTES]``. The work is a loop in Python, and 32 answers of
the base in llama.cpp; each is done three times, and the fastest counts. It prints how many
times as long as in ``pace.json`` each takes. Limits in minutes are scaled by the larger of the two: ``--limit 3``
prints how many seconds three minutes of the reference are here and now. ``--record`` makes this machine the reference.
"""

from __future__ import annotations

import argparse
import atexit
import json
import os
import platform
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parents[1]
REFERENCE = Path(__file__).with_name("pace.json")
ANSWERS, TOKENS, TRIES = 32, 8, 3


def loop() -> None:
    """Two million steps in Python."""
    total = 0
    for number in range(2_000_000):
        total += number * number % 7
    assert total


def answers() -> Callable[[], None]:
    """A call that asks the base for 32 answers of eight tokens each; the weights are loaded already."""
    from evalkit.golden.loader import load_task
    from evalkit.golden.model import Decoding
    from evalkit.models.backend import Completion, Opening, Spec
    from evalkit.models.backends.gguf import open_backend
    from evalkit.models.request import Message, Request
    from fixtures.convert import base_gguf

    task = load_task(ROOT / "golden" / "market_direction", verify=False)
    cache = TemporaryDirectory(prefix="evalkit-")
    atexit.register(cache.cleanup)
    backend = open_backend(Opening(Spec("gguf", str(base_gguf())), task, ROOT, cache=Path(cache.name)))

    def ask(count: int = ANSWERS) -> None:
        messages = [(Message("user", f"Count on from {number}."),) for number in range(count)]
        requests = [Request("pace", str(n), each, "", Decoding(TOKENS, tail=None)) for n, each in enumerate(messages)]
        done = [result for _, result in backend.answer(requests)]
        assert all(isinstance(result, Completion) for result in done), done

    ask(1)
    return ask


def fastest(work: Callable[[], None]) -> float:
    """Seconds of the fastest of the tries."""
    seconds = []
    for _ in range(TRIES):
        begun = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - begun)
    return min(seconds)


def measure() -> dict[str, float]:
    """``{kind of work: seconds}``."""
    return {"loop": round(fastest(loop), 3), "answers": round(fastest(answers()), 3)}


def ratio(now: dict[str, float], reference: dict[str, float]) -> float:
    """How many times as long as the reference the slower kind of work takes.

    >>> ratio({"loop": 0.2, "answers": 3.0}, {"loop": 0.2, "answers": 2.0})
    1.5
    """
    return max(now[kind] / reference[kind] for kind in reference)


def main() -> None:
    parser = argparse.ArgumentParser(description="How fast this machine is now.")
    parser.add_argument("--record", action="store_true", help="make this machine the reference")
    parser.add_argument("--limit", type=float, metavar="MINUTES", help="print that limit, scaled, in seconds")
    given = parser.parse_args()
    now = measure()
    if given.record:
        about = {"machine": f"{platform.machine()}, {os.cpu_count()} cores", "python": platform.python_version()}
        REFERENCE.write_text(json.dumps({**about, "seconds": now}, indent=2) + "\n", encoding="utf-8")
    reference = json.loads(REFERENCE.read_text(encoding="utf-8"))["seconds"]
    slower = ratio(now, reference)
    if given.limit is not None:
        print(f"{given.limit * 60 * max(1.0, slower):.0f}")
        return
    for kind, seconds in now.items():
        print(f"{kind}: {seconds:.2f} s, {seconds / reference[kind]:.2f} times as long as the reference")
    print(f"pace: {slower:.2f} (limits in minutes are multiplied by this where it is above 1)")


if __name__ == "__main__":
    main()
