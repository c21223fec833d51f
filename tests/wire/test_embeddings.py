"""The bytes of lists of embeddings."""

from __future__ import annotations

import json

import numpy as np

from mockserver.wire import embeddings

VECTORS = [np.array([0.5, -0.0170440673828125, 2**-24], "<f4"), np.array([0.0044208267, 1.0, -5e-05], "<f4")]


def test_the_newer_list_is_compact_with_exact_numbers() -> None:
    written = embeddings.compact(VECTORS[:1], "float", "m", embeddings.usage(3))
    assert written == (
        b'{"object":"list","data":[{"object":"embedding","embedding":'
        b'[0.5,-0.0170440673828125,5.960464477539063e-8],"index":0}],'
        b'"model":"m","usage":{"prompt_tokens":3,"total_tokens":3}}'
    )


def test_base64_is_of_little_endian_floats() -> None:
    written = json.loads(embeddings.compact([np.array([1.0, -2.0], "<f4")], "base64", "m", {}))
    assert written["data"] == [{"object": "embedding", "embedding": "AACAPwAAAMA=", "index": 0}]


def test_the_older_list_is_indented_with_the_shortest_numbers() -> None:
    written = embeddings.indented(VECTORS[1:], "float", "m", {"prompt_tokens": 3})
    assert written.decode() == (
        '{\n  "object": "list",\n  "data": [\n    {\n      "object": "embedding",\n      "index": 0,\n'
        '      "embedding": [\n        0.0044208267,\n        1.0,\n        -5e-05\n      ]\n    }\n  ],\n'
        '  "model": "m",\n  "usage": {\n    "prompt_tokens": 3\n  }\n}\n'
    )


def test_the_items_are_numbered() -> None:
    for write in (embeddings.compact, embeddings.indented):
        assert [each["index"] for each in json.loads(write(VECTORS, "base64", "m", {}))["data"]] == [0, 1]
        assert json.loads(write([], "float", "m", {}))["data"] == []
