"""Measurements of a field, such as its error, its calibration or its length, over many answers: one file each.

In: what was got and expected in the readable answers, and the options of ``[measurements.<name>]`` in task.toml.
Out: an Estimate with its interval and n. It is conditional on being readable, so it never gates.
"""

SHARED = ("forecasts", "lengths", "measurement", "readings")
"""Files of this folder that are no measurement."""
