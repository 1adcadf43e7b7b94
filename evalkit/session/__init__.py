"""One session: who takes part, what is asked, the book of answers, the end.

In: the options, the golden tasks and the project's models. Out: answers, results of tasks, a stored run, an exit code.
"""
