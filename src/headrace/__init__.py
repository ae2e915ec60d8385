"""headrace: receivables from any billing system into Upflow, kept there to the cent."""

__version__ = "0.1.0"
