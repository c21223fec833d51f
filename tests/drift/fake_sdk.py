"""A small SDK, with types as the official SDK writes them."""

from __future__ import annotations

from typing import Literal, Required, TypeAlias

from pydantic import BaseModel, Field
from typing_extensions import TypedDict

Model: TypeAlias = Literal["gpt-4o", "gpt-4.1", "gpt-7"]
"""Deprecated values:

- "gpt-4o", "gpt-7": Announced shutdown date: 2030-01-01. See
  the deprecations page.
"""


class TextPart(TypedDict, total=False):
    type: Required[Literal["text"]]
    text: Required[str]


class SoundPart(TypedDict, total=False):
    type: Required[Literal["sound"]]
    sound: Required[str]
    loudness: int


class PicturePart(TypedDict, total=False):
    type: Required[Literal["photo", "drawing"]]
    picture: Required[str]


class Request(TypedDict, total=False):
    model: Required[str | Model]
    parts: Required[list[TextPart | SoundPart | PicturePart]]
    mood: Literal["calm", "merry"]
    voice: Required[str | Literal["alloy", "zelda"]]
    seed: int


class Began(BaseModel):
    type: Literal["began"]
    at: float


class Ended(BaseModel):
    type: Literal["ended"]
    async_: bool | None = Field(None, alias="async")


Event: TypeAlias = Began | Ended
