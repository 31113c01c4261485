"""What an assistant may ask and, where a person allows it, do: a server of the Model Context Protocol.

It looks at the database in transactions that cannot write. Strangers wrote what documents say: each answer says so, and
its invisible characters are escaped.
"""
