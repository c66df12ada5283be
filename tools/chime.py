"""Write web/sounds/notification.wav: two soft tones, a fifth apart, that fade like a struck bell."""

import io
import math
import struct
import wave
from pathlib import Path

OUTPUT = Path(__file__).resolve().parent.parent / "web/sounds/notification.wav"

RATE = 16_000
"""Samples a second."""
SECONDS = 0.6
TONES = ((0.0, 659.25), (0.12, 987.77))
"""When each begins, in seconds, and its pitch in Hz: E5, B5."""
PARTIALS = ((1, 1.0, 6.0), (2, 0.25, 9.0), (3.01, 0.08, 14.0))
"""Of each tone: multiple of the pitch, loudness, and how fast it fades, per second."""
ATTACK = 0.008
"""Seconds in which a tone swells: without them it begins with a click."""
RELEASE = 0.08
"""Seconds in which all is faded out at the end, for the same reason."""
LOUDEST = 0.8
"""Of what can be written. The page plays it at 0.3 of that."""


def sample(at: float) -> float:
    """The sound at a time in seconds, before it is made as loud as it is to be."""
    end = min(1.0, (SECONDS - at) / RELEASE)
    return end * sum(_tone(at - start, pitch) for start, pitch in TONES if at >= start)


def _tone(age: float, pitch: float) -> float:
    partials = (
        loudness * math.exp(-fading * age) * math.sin(math.tau * pitch * multiple * age)
        for multiple, loudness, fading in PARTIALS
    )
    return min(1.0, age / ATTACK) * sum(partials)


def chime() -> bytes:
    """A WAV file, mono, 16 bit."""
    sound = [sample(number / RATE) for number in range(round(RATE * SECONDS))]
    scale = LOUDEST * 32_767 / max(map(abs, sound))
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(RATE)
        out.writeframes(struct.pack(f"<{len(sound)}h", *(round(value * scale) for value in sound)))
    return file.getvalue()


if __name__ == "__main__":
    OUTPUT.parent.mkdir(exist_ok=True)
    OUTPUT.write_bytes(chime())
