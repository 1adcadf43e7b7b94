"""How right one field of an answer is, and measurements of a field over many answers.

In: the value got, the value expected, the example's input where a scorer judges by it, and the options of task.toml.
Out: a Judgement in [0, 1] with its reason; of measurements an Estimate. Needs no model and no file.
"""

SHARED = ("options", "score", "texts", "unicode_forms", "values")
"""Files of this folder that are no scorer."""
