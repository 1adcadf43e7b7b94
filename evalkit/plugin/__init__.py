"""The pytest plugin: options, collecting, fixtures, outcomes, xdist, the end of a run.

In: a pytest session with golden tests. Out: their outcomes, a verdict, an exit code. The hooks are in ``hooks`` alone.
"""
