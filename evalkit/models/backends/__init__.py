"""The backends, one file each; its name is what people type: `ollama.py` is `--backend=ollama:...`.

In: an Opening (the spec, the task, the alias's options). Out: a Backend, with its fingerprint, that answers requests.
What stands behind one (an engine, a server, a vendor's account) is in `engines` or beside this folder.
"""
