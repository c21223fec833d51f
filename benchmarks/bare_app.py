"""The least that can answer: a Flask app of one route on cheroot. ``python bare_app.py PORT``."""

import sys

import flask
from cheroot import wsgi

app = flask.Flask("bare")


@app.get("/")
def answer() -> str:
    """Answer that the app runs."""
    return "ok"


if __name__ == "__main__":
    wsgi.Server(("127.0.0.1", int(sys.argv[1])), app).start()
