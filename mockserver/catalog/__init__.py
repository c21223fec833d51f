"""What is known about models, limits, languages and voices: tables, and ``tables.py`` which reads them."""
