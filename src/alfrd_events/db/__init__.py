"""The only place that speaks to PostgreSQL: connections, migrations, and one thin module per aggregate.

SQL that writes is in functions under ``sql/``; the modules here call them by name and turn rows into
the nouns of :mod:`alfrd_events.model`.
"""
