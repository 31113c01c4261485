"""The readers: each turns one part of a document into pages of text.

``local`` reads on this machine. Its parent side (:mod:`.local`, :mod:`.pool`, :mod:`.wire`,
:mod:`.limits`) is plain asyncio and imports no imaging library; everything that touches the bytes of a
document runs in expendable processes (:mod:`.child` and what it imports).
"""
