"""llama.cpp's own server in a process of its own: ``python llama_server.py GGUF`` prints where it listens.

It ends with its standard input, so that it never outlives who started it.
"""

from __future__ import annotations

import sys

CONTEXT = 1024


def main(gguf: str) -> None:
    """Serves the file until standard input ends."""
    import xllamacpp

    p = xllamacpp.CommonParams()
    p.model.path = gguf
    p.n_parallel, p.n_ctx = 1, CONTEXT
    p.verbosity, p.fit_params, p.cache_ram_mib = 1, False, 0
    server = xllamacpp.Server(p)
    server.handle_completions({"prompt": "a", "n_predict": 1})  # one that is dropped before it has answered can hang
    print(server.listening_address, flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main(sys.argv[1])
