"""The contract of a task: what is asked, what is right, and what must be true before a model ships.

In: a folder that a person wrote: task.toml, schema.json and the splits.
Out: a checked ``Task``, or every mistake in it at once; whether a split is what was frozen; what lints find in it.
"""
