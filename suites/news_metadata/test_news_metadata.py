"""What must be true of a model before it reads the news for us."""

from evalkit.testing import standard_suite

# Texts are never wholly right: the verdict weighs them by how near they come.
globals().update(
    standard_suite(
        "news_metadata",
        without=["test_companies_named", "test_key_insights", "test_insights_given", "test_summary", "test_overall"],
    )
)
