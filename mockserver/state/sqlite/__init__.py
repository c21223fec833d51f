"""State in an SQLite database, shared by the processes of one machine."""
