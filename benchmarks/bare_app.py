"""The least that can answer: a Flask app of one route on Werkzeug's server. ``python bare_app.py PORT``."""

import sys

import flask
from werkzeug.serving import make_server

app = flask.Flask("bare")


@app.get("/")
def answer() -> str:
    """Answer that the app runs."""
    return "ok"


if __name__ == "__main__":
    make_server("127.0.0.1", int(sys.argv[1]), app, threaded=True).serve_forever()
