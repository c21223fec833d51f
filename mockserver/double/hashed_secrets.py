"""Replaces secrets in the patterns of snapshots by hashes that match the same values.

``account``, and headers and fields with the names of secrets, are compared by SHA-256. A regular expression stays
as it is, unless all it asks for is a text: what else it matches cannot be told from a hash. Where that text has to
begin or end is not kept.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from mockserver.gateway.redaction import Secrets, is_secret

if TYPE_CHECKING:
    from mockserver.double.allowance import Allowance

OPERATOR = "sha256"

_CHARACTERS_A_STEP = 1024  # of a text that is hashed
_HASH = re.compile(r"[0-9a-f]{64}")
_PART = {"hash", "length", "ignore_case"}
_ID = re.compile(r"(org-|proj_)[\w/-]*")
# A regular expression that matches one text: its group ``text``.
_LITERAL = re.compile(r"(\^|\\A)?(?P<text>([^\\.^$*+?{}\[\]|()]|\\[^A-Za-z0-9])+)(\$|\\Z)?")
_ESCAPE = re.compile(r"\\(.)")


def without_secrets(document: Mapping[str, Any], secrets: Secrets) -> dict[str, Any]:
    """Return a stub or fault whose pattern names no secret, and matches the same requests.

    ``secrets`` are those of the request that asks for the snapshot.
    """
    when = document.get("when")
    if not isinstance(when, Mapping):
        return dict(document)
    hidden = dict(when)
    if "account" in when:
        hidden["account"] = _hashed_account(when["account"])
    kinds: tuple[tuple[str, Literal["headers", "members"]], ...] = (
        ("headers", "headers"),
        ("fields", "members"),
    )
    for condition, carrier in kinds:
        if condition in when:
            hidden[condition] = {
                name: _hashed(wanted) if is_secret(carrier, name) or _tells(wanted, secrets) else wanted
                for name, wanted in when[condition].items()
            }
    return {**document, "when": hidden}


def digest(text: str) -> str:
    """Return the SHA-256 of a text, in hex."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def is_digest(text: str) -> bool:
    """Return whether a text looks like a ``digest``."""
    return _HASH.fullmatch(text) is not None


def check(wanted: object) -> None:
    """Raises ``ValueError`` unless ``is_meant`` can look for it."""
    for each in wanted if isinstance(wanted, list) and wanted else [wanted]:
        if isinstance(each, str) and is_digest(each):
            continue
        if not isinstance(each, Mapping) or each.keys() != _PART or not _is_part(each):
            raise ValueError(
                "sha256: is neither 64 hexadecimal digits in lower case nor an object of hash, length and ignore_case."
            )


def _is_part(wanted: Mapping[str, Any]) -> bool:
    hashed, length, ignore_case = (wanted[name] for name in ("hash", "length", "ignore_case"))
    right = isinstance(hashed, str) and is_digest(hashed) and isinstance(ignore_case, bool)
    return right and isinstance(length, int) and not isinstance(length, bool) and length > 0


def is_meant(wanted: str | Mapping[str, Any] | list[Any], found: object, allowance: Allowance) -> bool:
    """Return whether a value is the text of which ``wanted`` is the hash, or contains it.

    Of a text that is contained the length is known, and whether case is ignored. Of several all are meant. Raises
    ``Exhausted`` where ``allowance`` does not allow to look into so long a text.
    """
    if isinstance(wanted, list):
        return all(is_meant(each, found, allowance) for each in wanted)
    if not isinstance(found, str):
        return False
    if isinstance(wanted, str):
        return digest(found) == wanted
    text, length = found.lower() if wanted["ignore_case"] else found, wanted["length"]
    for start in range(len(text) - length + 1):
        allowance.spend(1 + length // _CHARACTERS_A_STEP)
        if digest(text[start : start + length]) == wanted["hash"]:
            return True
    return False


def _hashed_account(wanted: str) -> str:
    return wanted if is_digest(wanted) or _ID.fullmatch(wanted) else digest(wanted)


def _tells(wanted: object, secrets: Secrets) -> bool:
    """Return whether a condition contains one of the secrets."""
    texts = wanted.values() if isinstance(wanted, Mapping) else [wanted]
    return any(isinstance(text, str) and secrets.hide(text) != text for text in texts)


def _hashed(wanted: Any) -> Any:
    """Return the condition on a value, the texts in it hashed."""
    if isinstance(wanted, str):
        return {OPERATOR: digest(wanted)}
    if not isinstance(wanted, Mapping):
        return wanted
    hidden, hashes = dict(wanted), []
    for operator in ("equals", "contains", "matches"):
        text = wanted.get(operator)
        if isinstance(text, str) and (found := _hash_of(operator, text)):
            hashes.append(found)
            del hidden[operator]
    return {**hidden, OPERATOR: hashes if len(hashes) > 1 else hashes[0]} if hashes else hidden


def _hash_of(operator: str, text: str) -> Any:
    """Return what stands for the text of an operator; ``None`` for one that has to stay."""
    if operator == "equals":
        return digest(text)
    if operator == "contains" and text:
        return {"hash": digest(text), "length": len(text), "ignore_case": False}
    if operator == "matches" and (literal := _LITERAL.fullmatch(text)):
        lower = _ESCAPE.sub(r"\1", literal["text"]).lower()
        return {"hash": digest(lower), "length": len(lower), "ignore_case": True}
    return None
