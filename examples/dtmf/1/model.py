"""Names the keys of a telephone by their tones. Each key has two, one of its row and one of its column."""

import array
import json
import math
import sys

import souvenir_worker

RATE = 16_000
BLOCK = 320  # 20 ms: keys sound for at least 40 ms, and pauses are as long
ROWS = (697, 770, 852, 941)
COLUMNS = (1209, 1336, 1477, 1633)
KEYS = ("123A", "456B", "789C", "*0#D")

QUIET = 100  # mean level below which a block is silence
SHARE = 0.7  # least share of a block's energy that is in the two tones


def power(samples, frequency):
    """The power of one frequency in the samples, by Goertzel's algorithm."""
    factor = 2 * math.cos(2 * math.pi * frequency / RATE)
    last = before = 0.0
    for sample in samples:
        last, before = sample + factor * last - before, last
    return (last * last + before * before - factor * last * before) * 2 / len(samples)


def key_of(block):
    """The key that sounds in a block, and the share of the energy in its tones; ("", 0) without one."""
    energy = sum(sample * sample for sample in block)
    if energy < QUIET * QUIET * len(block):
        return "", 0.0
    rows = [power(block, frequency) for frequency in ROWS]
    columns = [power(block, frequency) for frequency in COLUMNS]
    share = min((max(rows) + max(columns)) / energy, 1.0)
    # A tone alone, as a whistle, is no key.
    if share < SHARE or min(max(rows), max(columns)) < energy / 10:
        return "", 0.0
    return KEYS[rows.index(max(rows))][columns.index(max(columns))], share


def words_of(audio):
    """The keys in a segment, in the form of the output WORDS."""
    if len(audio) % 2 != 0:
        raise ValueError(f"AUDIO has {len(audio)} bytes; it must be 16-bit samples")
    samples = array.array("h", audio)
    if sys.byteorder == "big":
        samples.byteswap()
    words, last = [], ""
    for begin in range(0, len(samples) - BLOCK + 1, BLOCK):
        key, share = key_of(samples[begin:begin + BLOCK])
        end = round((begin + BLOCK) / RATE, 3)
        if key and key == last:
            words[-1]["end"] = end
            words[-1]["confidence"] = max(words[-1]["confidence"], round(share, 3))
        elif key:
            words.append({"word": key, "start": round(begin / RATE, 3), "end": end,
                          "confidence": round(share, 3)})
        last = key
    # What sounds for one block only is part of something else.
    return [word for word in words if word["end"] - word["start"] > 1.5 * BLOCK / RATE]


def transcribe(inputs):
    """Answers one request: a list for each output, with an element a row."""
    rows = [words_of(audio) for audio in inputs["AUDIO"].values()]
    return {"TEXT": [" ".join(word["word"] for word in words) for words in rows],
            "WORDS": [json.dumps(words, separators=(",", ":")) for words in rows],
            "CONFIDENCE": [sum(word["confidence"] for word in words) / max(len(words), 1)
                           for words in rows]}


souvenir_worker.serve(transcribe)
