"""What must hold of a model before it judges headlines for us."""

from evalkit.testing import standard_suite

globals().update(standard_suite("market_direction"))
