"""Formats embeddings: the list of the newer service in compact JSON, and of the older one in indented JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import msgspec
import pybase64

from mockserver.json_styles import streamed

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vectors = Iterable[NDArray[np.float32]]

Member = dict[str, Any]


def usage(tokens: int) -> dict[str, int]:
    """Return the usage of ``tokens`` embedded tokens."""
    return {"prompt_tokens": tokens, "total_tokens": tokens}


def compact(vectors: Vectors, encoding: str, model: str, used: Member) -> bytes:
    """Return the list with the key order ``object, embedding, index``, without spaces; numbers are exact."""
    write = _base64 if encoding == "base64" else _exact
    items = (
        b'{"object":"embedding","embedding":' + write(vector) + b',"index":%d}' % index
        for index, vector in enumerate(vectors)
    )
    return _list(items, model, used)


def indented(vectors: Vectors, encoding: str, model: str, used: Member) -> bytes:
    """Return the list with the key order ``object, index, embedding``; numbers are as short as 32-bit floats can be."""
    write: Callable[[NDArray[np.float32]], bytes] = _base64 if encoding == "base64" else _shortest
    items = (
        b'{"object":"embedding","index":%d,"embedding":' % index + write(vector) + b"}"
        for index, vector in enumerate(vectors)
    )
    return msgspec.json.format(_list(items, model, used), indent=2) + b"\n"


def _list(items: Iterable[bytes], model: str, used: Member) -> bytes:
    end = b'],"model":' + streamed(model) + b',"usage":' + streamed(used) + b"}"
    return b'{"object":"list","data":[' + b",".join(items) + end


def _base64(vector: NDArray[np.float32]) -> bytes:
    """Return the 32-bit floats, little-endian, in base64."""
    return b'"' + pybase64.b64encode(vector.tobytes()) + b'"'


def _exact(vector: NDArray[np.float32]) -> bytes:
    return msgspec.json.encode(vector.astype("f8").tolist())


def _shortest(vector: NDArray[np.float32]) -> bytes:
    return b"[" + ",".join(map(str, vector)).encode() + b"]"
