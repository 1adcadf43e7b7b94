"""Changes of an input that say, without a label, what must become of the answer: one file each.

In: the options of ``[relations.<name>]`` in task.toml. Out: a pure function from a text to the changed text.
"""

SHARED = ("options", "substitution", "transform")
"""Files of this folder that are no relation."""
