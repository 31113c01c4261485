"""From files on a disk to rows: what the command line is given, and what falls into an inbox.

Files become documents with their bytes in the database, so that workers on other machines can read them.
The same content twice is one document. Nothing of a folder is read through a link, and nothing that a
``meta.json`` names is read outside its folder.
"""
