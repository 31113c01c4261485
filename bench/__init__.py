"""Measurements of the engine, and of its peers in the same run on the same server.

``python -m bench.run`` measures, prints one table and writes ``bench/results/*.json``; ``docs/benchmarks.md`` says how
each figure comes about. Only public behaviour is used: rows are inserted, workers are started, tables are read.
"""
