"""The contract of a task: what is asked, what is right, and what must be true before a model ships.

In comes a folder that a person wrote: task.toml, schema.json and the splits. Out goes a checked ``Task`` of examples,
rules and relations, or every mistake in it at once; beside it, whether a split is still what was frozen and looked at.
"""
