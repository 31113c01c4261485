"""alfrd-events: turn piles of documents into order, driven by events in PostgreSQL."""

__version__ = "0.1.0"
