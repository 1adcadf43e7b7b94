"""A classifier that counts words: what can be had of a task without a language model.

In: texts with their classes. Out: for each class of another text the logarithm of its probability. The floor `words`
is made of it, one classifier for each closed field.
"""
