"""Incoming telephone calls (SIP), which tests make: from the first ring to the end."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final, Literal

from msgspec import Struct

if TYPE_CHECKING:
    from mockserver.clock import Clock
    from mockserver.ids import Ids

Status = Literal["ringing", "answered", "rejected", "referred", "ended"]

RINGING: Final = "ringing"
ANSWERED: Final = "answered"
REJECTED: Final = "rejected"
REFERRED: Final = "referred"
ENDED: Final = "ended"

_MOST = 1_000  # calls that are remembered
_MAX_HEARD = 10 * 60 * 48_000  # bytes of what a caller hears that are kept: the last ten minutes


class TelephoneError(Exception):
    """Something that the state of a call does not allow. The message says what is wrong."""


class Wires(Struct, frozen=True):
    """The connections of an answered call with its session: what puts sound, and digits, and what hangs up."""

    put: Callable[[bytes], None]  # 16-bit samples of one channel at 24 kHz
    press: Callable[[str], None]
    hang_up: Callable[[], None]


class IncomingCall:
    """A telephone call of a scripted caller. Thread-safe.

    ``sip_headers`` are names and values. The caller hears 16-bit samples of one channel at ``rate``.
    """

    rate = 24_000

    def __init__(
        self, call_id: str, account_id: str, sip_headers: Sequence[tuple[str, str]], created_at: float
    ) -> None:
        self.id = call_id
        self.account_id = account_id
        self.sip_headers = tuple(sip_headers)
        self.created_at = created_at
        self.status: Status = RINGING
        self.status_code: int | None = None  # of a rejection
        self.target_uri = ""  # of a referral
        self._heard = bytearray()
        self._wires: Wires | None = None
        self._changed = threading.Condition()

    @property
    def announcement(self) -> tuple[str, dict[str, Any]]:
        """Return the type and the data of the webhook that announces the call."""
        headers = (*self.sip_headers, ("Call-ID", self.id))
        shown = [{"name": name, "value": value} for name, value in headers]
        return "realtime.call.incoming", {"call_id": self.id, "sip_headers": shown}

    @property
    def heard(self) -> bytes:
        """Return what the caller was played."""
        with self._changed:
            return bytes(self._heard)

    def answer(self, wires: Wires) -> None:
        """Connect the call with its session. Raises ``TelephoneError`` unless it rings."""
        with self._changed:
            self._check_ringing()
            self._wires = wires
            self._become(ANSWERED)

    def reject(self, status_code: int) -> None:
        """Refuse the call. Raises ``TelephoneError`` unless it rings."""
        with self._changed:
            self._check_ringing()
            self.status_code = status_code
            self._become(REJECTED)

    def refer(self, target_uri: str) -> None:
        """Send the caller elsewhere, which ends the session. Raises ``TelephoneError`` unless it was answered."""
        wires = self._answered()
        with self._changed:
            self.target_uri = target_uri
            self._become(REFERRED)
        wires.hang_up()

    def say(self, pcm: bytes) -> None:
        """Speak: 16-bit samples of one channel at ``rate``. Raises ``TelephoneError`` unless it was answered."""
        self._answered().put(pcm)

    def press(self, digits: str) -> None:
        """Press keys. Raises ``TelephoneError`` unless it was answered."""
        wires = self._answered()
        for digit in digits:
            wires.press(digit)

    def hang_up(self) -> None:
        """End the call, whatever its state."""
        with self._changed:
            wires, self._wires = self._wires, None
            if self.status in (RINGING, ANSWERED):
                self._become(ENDED)
        if wires is not None:
            wires.hang_up()

    def wait(self, seconds: float, is_over: Callable[[], bool] = lambda: False) -> Status:
        """Wait until the call no longer rings, the time is up, or ``is_over``. Return its status."""
        step = 0.2
        with self._changed:
            while self.status == RINGING and seconds > 0 and not is_over():
                self._changed.wait(min(step, seconds))
                seconds -= step
            return self.status

    def send(self, text: str) -> None:
        """Do nothing: a telephone has no events. (This and what follows is the ``Line`` of the session.)"""

    def play(self, pcm: bytes) -> None:
        """Play samples to the caller."""
        with self._changed:
            self._heard += pcm
            del self._heard[:-_MAX_HEARD]

    def stop_playing(self, unheard_ms: float) -> None:
        """Take back the last milliseconds of what was played, which the caller has not heard."""
        size = int(unheard_ms * self.rate / 1000) * 2
        with self._changed:
            del self._heard[max(0, len(self._heard) - size) :]

    def close(self) -> None:
        """Note that the session has ended."""
        with self._changed:
            self._wires = None
            if self.status == ANSWERED:
                self._become(ENDED)

    def _check_ringing(self) -> None:
        if self.status != RINGING:
            raise TelephoneError(f"The call does not ring: it is {self.status}.")

    def _answered(self) -> Wires:
        with self._changed:
            if self._wires is None:
                raise TelephoneError(f"Nobody is on the line: the call is {self.status}.")
            return self._wires

    def _become(self, status: Status) -> None:
        self.status = status
        self._changed.notify_all()


class Telephone:
    """The incoming calls of a server, the last ones that were made. Thread-safe."""

    def __init__(self, clock: Clock, ids: Ids) -> None:
        self._clock = clock
        self._ids = ids
        self._lock = threading.Lock()
        self._calls: OrderedDict[str, IncomingCall] = OrderedDict()

    def ring(self, account_id: str, sip_headers: Sequence[tuple[str, str]]) -> IncomingCall:
        """Return a new call, which rings."""
        now = self._clock.now()
        call = IncomingCall(self._ids.realtime_id("rtc_u0_", now), account_id, sip_headers, now)
        with self._lock:
            self._calls[call.id] = call
            oldest = self._calls.popitem(last=False)[1] if len(self._calls) > _MOST else None
        if oldest is not None:
            oldest.hang_up()
        return call

    def find(self, account_id: str | None, call_id: str) -> IncomingCall | None:
        """Return a call of an account, or of any; ``None`` if there is none with this id."""
        with self._lock:
            call = self._calls.get(call_id)
        return call if call is not None and account_id in (None, call.account_id) else None

    def calls(self, account_id: str | None) -> list[IncomingCall]:
        """Return the calls of an account, or of all, oldest first."""
        with self._lock:
            return [call for call in self._calls.values() if account_id in (None, call.account_id)]

    def reset(self, account_id: str | None) -> None:
        """End the calls of an account, or of all, and forget them."""
        for call in self.calls(account_id):
            with self._lock:
                self._calls.pop(call.id, None)
            call.hang_up()
