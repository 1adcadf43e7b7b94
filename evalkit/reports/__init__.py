"""A stored run, its header and its rows, as text for a person or another program. Nothing is computed here.

In: a run's header, and a function that streams its rows. Out: pieces of text.

A report is one file of this folder, or an entry point of the group ``evalkit.reports``, and its name is what
``--format`` takes. It has one function, which gives its text piece by piece; ``rows()`` reads the rows one at a time.
Of a large run a written report gets the worst rows alone (``large``), and ``page.left_out`` says so:

    def render(run: Run, rows: Rows, page: Page) -> Iterator[str]
"""

SHARED = ("brief", "figures", "fitted", "history", "large", "merge", "notes", "page", "report", "view", "weak_spots")
"""Files of this folder that are no report."""
