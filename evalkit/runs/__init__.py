"""The record of a run: built from the book of answers, stored, compared with another, scored again.

In: the answers to each task, and what a session was asked to do. Out: a header (``Run``), and a row for each model and
example; both typed, versioned, and read again by the module that writes them.
"""
