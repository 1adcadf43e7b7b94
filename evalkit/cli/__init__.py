"""The commands of ``evalkit``, thin: each reads its arguments, calls one function of another room, prints, and exits.

In: arguments and the project's folder. Out: text, and an exit code: 0, 1 as a gate, 4 where something is wrong.
"""
