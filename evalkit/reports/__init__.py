"""What a report is: something that renders a stored run, and computes nothing.

A report is one file of this folder with one function

    def render(run: Mapping[str, Any]) -> str

and its name is what ``evalkit report RUN --format=NAME`` takes.
"""
