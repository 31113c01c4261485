"""What a person sees: tables, one document in full, live progress, the demo's report.

On a terminal it is drawn with rich; into a pipe it goes as plain aligned lines without colours; with
``--json`` as one JSON document. Nothing here asks the database: it is given rows.

Whatever comes from a document (its name, its text) is untrusted: what would steer a terminal is escaped
(:mod:`alfrd_events.escape`), and it is never read as markup.
"""
