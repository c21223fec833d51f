"""Searches for requests that the server answers with an unintended 5xx, with a traceback, late, or not at all.

``make fuzz`` runs it for ten minutes; ``make fuzz ARGS="--minutes 1 --seed 7"`` for one. Nothing in it names an
endpoint: which calls there are, and what a valid one looks like, is read from the server's routes and schemas.
"""
