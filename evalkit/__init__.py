"""evalkit: does your fine-tuned model really beat its base, field by field, and what did shipping it lose?"""

__version__ = "0.1.0"
