"""What must become of an answer when its input is changed. Its own folder: each example is asked many times over."""

import pytest


@pytest.mark.golden("news_metadata")
def test_relation(relation):
    assert relation.holds, relation
