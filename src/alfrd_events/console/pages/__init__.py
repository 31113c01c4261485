"""One module for each page: what it asks the database, and which template it fills."""
