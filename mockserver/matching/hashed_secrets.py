"""Replaces secrets in the patterns of snapshots by hashes that match the same values.

``account``, and headers and fields with the names of secrets, are compared by SHA-256. A regular expression is only
hashed if it matches a literal text: others cannot be evaluated on a hash. Its anchors (``^``, ``$``) are dropped.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from mockserver.accounts.redaction import Secrets, is_secret

if TYPE_CHECKING:
    from mockserver.matching.allowance import Allowance

OPERATOR = "sha256"

_CHARACTERS_A_STEP = 1024  # of a text that is hashed
_HASH = re.compile(r"[0-9a-f]{64}")
_MAX_HASHES = 3  # of a condition
_TEXTS = {"user_text", "prompt", "heard"}  # conditions on texts
_NAMES = {"model", "file"}  # conditions on names, with the wildcards * and ?
_PART = {"hash", "length", "ignore_case"}
_ID = re.compile(r"(org-|proj_)[\w/-]*")
# A regular expression that matches a literal text: the group ``text``.
_LITERAL = re.compile(r"(\^|\\A)?(?P<text>([^\\.^$*+?{}\[\]|()]|\\[^A-Za-z0-9])+)(\$|\\Z)?")
_GROUP = re.compile(r"\(\?[a-zA-Z-]*[:)]")  # the beginning of non-capturing groups, and flags
_ESCAPE = re.compile(r"\\(.)")


def without_secrets(document: Mapping[str, Any], secrets: Secrets) -> dict[str, Any]:
    """Return a stub or fault without secrets, with a pattern that matches the same requests.

    ``secrets`` are the known ones. Secrets in places that cannot be hashed are abbreviated.
    """
    when = document.get("when")
    hashed = {**document, "when": _pattern(when, secrets)} if isinstance(when, Mapping) else document
    hidden: dict[str, Any] = secrets.hide_in_all(hashed)
    return hidden


def _pattern(when: Mapping[str, Any], secrets: Secrets) -> dict[str, Any]:
    hidden = dict(when)
    if "account" in when:
        hidden["account"] = _hashed_account(when["account"])
    for condition in _TEXTS & when.keys():
        wanted = when[condition]
        if _has_secret(wanted, secrets):
            hidden[condition] = _hashed({"matches": wanted} if isinstance(wanted, str) else wanted, secrets)
    for condition in _NAMES & when.keys():
        wanted = when[condition]
        names = [_hashed_name(each, secrets) for each in ([wanted] if isinstance(wanted, str) else wanted)]
        hidden[condition] = names[0] if isinstance(wanted, str) else names
    kinds: tuple[tuple[str, Literal["headers", "members"]], ...] = (
        ("headers", "headers"),
        ("fields", "members"),
    )
    for condition, carrier in kinds:
        if condition in when:
            hidden[condition] = {
                name: _hashed(wanted, secrets)
                if is_secret(carrier, name) or _has_secret(wanted, secrets)
                else wanted
                for name, wanted in when[condition].items()
            }
    return hidden


def digest(text: str) -> str:
    """Return the SHA-256 of a text, in hex."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def is_digest(text: str) -> bool:
    """Return whether a text has the form of a ``digest``."""
    return _HASH.fullmatch(text) is not None


def check(wanted: object) -> None:
    """Raise ``ValueError`` unless ``matches`` accepts the value as ``wanted``."""
    for each in wanted if isinstance(wanted, list) and wanted else [wanted]:
        if isinstance(each, str) and is_digest(each):
            continue
        if not isinstance(each, Mapping) or each.keys() != _PART or not _is_part(each):
            raise ValueError(
                "sha256: must be 64 lower-case hexadecimal digits, or an object of hash, length and ignore_case."
            )


def _is_part(wanted: Mapping[str, Any]) -> bool:
    hashed, length, ignore_case = (wanted[name] for name in ("hash", "length", "ignore_case"))
    right = isinstance(hashed, str) and is_digest(hashed) and isinstance(ignore_case, bool)
    return right and isinstance(length, int) and not isinstance(length, bool) and length > 0


def matches(wanted: str | Mapping[str, Any] | list[Any], found: object, allowance: Allowance) -> bool:
    """Return whether a value is the text that ``wanted`` is the hash of, or contains it.

    An object with the hash and length of a text asks for a value that contains it; a list asks for all of its items.
    Raises ``Exhausted`` if ``found`` is too long for the ``allowance``.
    """
    if isinstance(wanted, list):
        return all(matches(each, found, allowance) for each in wanted)
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


def _hashed_name(wanted: str, secrets: Secrets) -> str:
    """Return a wildcard pattern without secrets: hashed if it is a plain name, otherwise with ``?`` for the secret."""
    found = secrets.within_pattern(wanted)
    if not found:
        return wanted
    if not set(wanted) & set("*?["):
        return digest(wanted)
    for secret, expression in found:
        wanted = expression.sub("?" * len(secret), wanted)
    return wanted


def _has_secret(wanted: object, secrets: Secrets) -> bool:
    """Return whether a condition contains one of the secrets."""
    texts = wanted.values() if isinstance(wanted, Mapping) else [wanted]
    return any(
        isinstance(text, str) and (secrets.hide(text) != text or secrets.within_pattern(text))
        for text in texts
    )


def _hashed(wanted: Any, secrets: Secrets) -> Any:
    """Return the condition on a value with its texts hashed."""
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
        elif isinstance(text, str) and operator == "matches":
            hidden[operator], needed = _left_open(text, secrets)
            hashes += needed
    if not hashes:
        return hidden
    asked = wanted.get(OPERATOR, [])
    hashes = [*(asked if isinstance(asked, list) else [asked]), *hashes][:_MAX_HASHES]
    return {**hidden, OPERATOR: hashes if len(hashes) > 1 else hashes[0]}


def _left_open(pattern: str, secrets: Secrets) -> tuple[str, list[Any]]:
    """Return a regular expression with wildcards in place of secrets, and the hashes of the secrets it requires."""
    needed = []
    for secret, expression in secrets.within_pattern(pattern):
        rest = _GROUP.sub("", expression.sub("", pattern))
        if not set(rest) & set("|?*{"):  # otherwise the secret may be optional
            needed.append(_contained(secret.lower(), ignore_case=True))
        pattern = expression.sub(f"(?:.{{{len(secret)}}})", pattern)
    return pattern, needed


def _contained(text: str, *, ignore_case: bool) -> dict[str, Any]:
    return {"hash": digest(text), "length": len(text), "ignore_case": ignore_case}


def _hash_of(operator: str, text: str) -> Any:
    """Return the hash of an operator's text; ``None`` if it cannot be hashed."""
    if operator == "equals":
        return digest(text)
    if operator == "contains" and text:
        return _contained(text, ignore_case=False)
    if operator == "matches" and (literal := _LITERAL.fullmatch(text)):
        return _contained(_ESCAPE.sub(r"\1", literal["text"]).lower(), ignore_case=True)
    return None
