"""Paid services on the wire: fakes that speak real HTTP, so that our own clients are tested whole.

``server`` is the HTTP server with its log and its faults, ``models`` checks requests and replies against botocore's
service models; beside them one module for each service.
"""
