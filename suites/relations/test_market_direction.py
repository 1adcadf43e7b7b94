"""What must become of an answer when its input is changed. Its own folder: each example is asked many times over."""

from evalkit.testing import relation_suite

globals().update(relation_suite("market_direction"))
