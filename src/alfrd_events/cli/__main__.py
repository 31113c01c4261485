"""``python -m alfrd_events.cli``."""

from alfrd_events.cli import main

main()
