"""From what a model wrote to a verdict: the text is read, scored, set beside another model's, and decided on.

In: stored completions, and the task they were asked for. Out: answers in one book, comparisons, verdicts with reasons
as data; ``wording`` alone makes sentences of them.
"""
