"""Statistics: pure functions that know nothing of models, tasks or files.

In: numbers, one per example, and the labels of their groups. Out: estimates with an interval and the n they rest on,
and p-values. Every draw is seeded.
"""
