"""One session: who takes part, what is asked, the book of answers, the end.

In come the options, the golden tasks and the project's models; out go answers, results of tasks and a stored run.
"""
