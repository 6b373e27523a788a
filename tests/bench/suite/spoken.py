"""The sentences of LibriVox in the package pocketsphinx-testdata, as recordings that nobody has heard
before."""

import functools
import struct
import wave

RECORDINGS = "/usr/share/pocketsphinx/test/data/librivox"
RATE = 16_000  # samples a second, one channel, signed 16 bits
NUMBERS = 1 << 24  # different recordings


@functools.cache
def sentences():
    """Returns (samples, words spoken) of each sentence."""
    found = []
    with open(f"{RECORDINGS}/transcription", encoding="utf-8") as file:
        for line in file:
            text, name = line.rstrip().rsplit(" (", 1)
            with wave.open(f"{RECORDINGS}/{name.rstrip(')')}.wav") as recording:
                assert recording.getframerate() == RATE and recording.getnchannels() == 1
                found.append((recording.readframes(recording.getnframes()),
                              [word for word in text.lower().split() if not word.startswith("<")]))
    return found


def words():
    """Returns the words of a recording."""
    return [word for _, sentence in sentences() for word in sentence]


def recording(number):
    """Returns the samples of all sentences with a second of silence around each. Each number gives
    samples that differ by one in the loudest places of each sentence, so that no segment is known."""
    silence = bytes(2 * RATE)
    parts = [silence]
    for samples, _ in sentences():
        changed = bytearray(samples)
        loudest = _loudest(samples)
        for i in range(NUMBERS.bit_length() - 1):
            at = 2 * (loudest + i)
            value, = struct.unpack_from("<h", changed, at)
            struct.pack_into("<h", changed, at, value - (number % NUMBERS >> i & 1))
        parts += [bytes(changed), silence]
    return b"".join(parts)


@functools.cache
def _loudest(samples):
    values = struct.unpack(f"<{len(samples) // 2}h", samples)
    return max(range(len(values) - NUMBERS.bit_length()), key=lambda i: abs(values[i]))
