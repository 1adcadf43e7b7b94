"""How long it takes to find the pairs that are nearly the same among 100,000 texts.

Run it as ``python benchmarks/near_duplicates.py``.
"""

from __future__ import annotations

import random
import time

from evalkit.golden.near_duplicates import near_pairs

COUNT, PLANTED, WORDS = 100_000, 500, 12


def main() -> None:
    """Texts of random words, of which some are written again with one letter changed."""
    draw = random.Random(0)
    vocabulary = ["".join(draw.choices("abcdefghijklmnoprstuvw", k=draw.randint(3, 9))) for _ in range(5000)]
    texts = [" ".join(draw.choices(vocabulary, k=WORDS)) for _ in range(COUNT - PLANTED)]
    for index in range(PLANTED):
        at = draw.randrange(len(texts[index]))
        texts.append(texts[index][:at] + "z" + texts[index][at + 1 :])
    begun = time.perf_counter()
    found = {(first, second) for first, second, _ in near_pairs(range(COUNT), texts, 0.8)}
    seconds = time.perf_counter() - begun
    planted = {(index, COUNT - PLANTED + index) for index in range(PLANTED)}
    told = f"{len(found & planted)} of {PLANTED} planted pairs, {len(found - planted)} others"
    print(f"{COUNT:,} texts: {seconds:.1f} s, {told}")


if __name__ == "__main__":
    main()
