import io

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from mockserver.audio.telephony import Law, decode_g711, encode_g711

CODES = bytes(range(256))
CODECS: dict[Law, str] = {"mu": "pcm_mulaw", "a": "pcm_alaw"}


def all_samples() -> NDArray[np.int16]:
    return np.arange(-32_768, 32_768).astype("<i2")


def decoded_by_ffmpeg(data: bytes, law: Law) -> bytes:
    """Return G.711 as FFmpeg decodes it."""
    context = av.CodecContext.create(CODECS[law], "r")
    assert isinstance(context, av.AudioCodecContext)
    context.sample_rate, context.layout = 8_000, "mono"
    frames = [*context.decode(av.Packet(data)), *context.decode(None)]
    return b"".join(frame.to_ndarray().astype("<i2").tobytes() for frame in frames)


@pytest.mark.parametrize("law", ["mu", "a"])
def test_every_code_is_decoded_as_by_ffmpeg(law: Law) -> None:
    assert decode_g711(CODES, law) == decoded_by_ffmpeg(CODES, law)


@pytest.mark.parametrize("law", ["mu", "a"])
def test_every_sample_gets_the_code_of_its_interval(law: Law) -> None:
    coarse = np.frombuffer(decode_g711(encode_g711(all_samples().tobytes(), law), law), "<i2").astype(int)
    assert np.all(np.diff(coarse) >= 0)
    step = np.abs(coarse - all_samples())
    assert np.all(
        step <= np.maximum(np.abs(all_samples().astype(int)) // 16 + 8, 8) + 644 * (coarse >= 32_124)
    )


@pytest.mark.parametrize("law", ["mu", "a"])
def test_decoded_codes_are_encoded_again(law: Law) -> None:
    again = encode_g711(decode_g711(CODES, law), law)
    negative_zero = {0x7F} if law == "mu" else set()
    assert {code for code in CODES if again[code] != code} == negative_zero


def test_silence_is_encoded_as_telephones_do() -> None:
    assert encode_g711(bytes(4), "mu") == b"\xff\xff"
    assert encode_g711(bytes(4), "a") == b"\xd5\xd5"


def test_an_odd_last_byte_is_ignored() -> None:
    assert encode_g711(bytes(5), "mu") == b"\xff\xff"
    assert encode_g711(b"\x01", "a") == b""


def test_buffers_are_accepted() -> None:
    assert decode_g711(memoryview(CODES), "a") == decode_g711(bytearray(CODES), "a")
    assert io.BytesIO(decode_g711(b"", "mu")).read() == b""
