"""What must be true of a model before it sets the priority of our tickets."""

from evalkit.testing import standard_suite

# A reason is a text, and never wholly right, nor is what it is a part of; an error that is expected is test_priority's.
globals().update(standard_suite("ticket_priority", without=["test_reason", "test_overall", "test_error"]))
