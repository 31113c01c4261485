"""What developers need and users never run: it trains the ranker. Nothing in ``src`` imports it."""
