"""Writes JSON values as YAML, which ``located_yaml`` reads as the same values."""

from __future__ import annotations

import re
from typing import Any

import yaml

from mockserver.validation.located_yaml import is_plain_text

_DUMPER: Any = yaml.CSafeDumper if yaml.__with_libyaml__ else yaml.SafeDumper
_WIDTH = 100  # columns
_TEXT = "tag:yaml.org,2002:str"
_BLOCK = re.compile(r"[^\n]*\S[^\n]*\n.*", re.DOTALL)  # several lines, the first of which is not blank


class _Dumper(_DUMPER):  # type: ignore[misc]
    """Writes objects without anchors, texts of several lines as blocks, and quotes what would not be read as a text."""

    def ignore_aliases(self, data: object) -> bool:
        return True

    def _text(self, text: str) -> yaml.ScalarNode:
        style = "|" if _BLOCK.fullmatch(text) else None if is_plain_text(text) else "'"
        return self.represent_scalar(_TEXT, text, style)  # type: ignore[no-any-return]


_Dumper.add_representer(str, _Dumper._text)


def write(value: Any) -> bytes:
    """Return the YAML document of a JSON value, in UTF-8."""
    written: bytes = yaml.dump(
        value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=_WIDTH, encoding="utf-8"
    )
    return written
