"""What an offer of a caller must have."""

from __future__ import annotations

from aiortc.sdp import SessionDescription

_MEDIA = ("audio", "application")  # sound, and data channels


def has_sound(offer: str, *, needs_sound: bool) -> bool:
    """Return whether an offer has sound, not only a data channel. Raises ``ValueError`` if a call cannot be made so.

    What aiortc requires only when it connects is checked here.
    """
    media = SessionDescription.parse(offer).media
    kinds = {each.kind for each in media}
    if not kinds.intersection(_MEDIA if not needs_sound else _MEDIA[:1]):
        raise ValueError("the offer has no sound")
    if any(each.dtls is None or not each.dtls.fingerprints for each in media):
        raise ValueError("the offer has no fingerprint")
    return "audio" in kinds
