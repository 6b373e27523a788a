"""English sentences to translate, from the texts of the package `fortunes`: people's language, with
what people's language brings."""

import itertools
import pathlib
import random
import re

FORTUNES = pathlib.Path("/usr/share/games/fortunes")
SHORTEST, LONGEST = 60, 140  # characters; about 98 on average
SEED = 20260101

_SENTENCE = re.compile(r"[A-Z][A-Za-z0-9 ,;:'-]+[.!?]")


def unique():
    """Sentences without end, none twice, in the same order at every run: those there are, and then
    the same with a number behind."""
    known = _read()
    for number in itertools.count(1):
        for sentence in known:
            yield sentence if number == 1 else f"{sentence} Number {number}."


def _read():
    if not FORTUNES.is_dir():
        raise FileNotFoundError(f"there is no {FORTUNES}: install the package fortunes")
    found = set()
    for path in FORTUNES.iterdir():
        if path.suffix or path.is_symlink():
            continue
        for fortune in path.read_text("utf-8", "replace").split("\n%\n"):
            for match in _SENTENCE.finditer(" ".join(fortune.split())):
                if SHORTEST <= len(match.group()) <= LONGEST:
                    found.add(match.group())
    if len(found) < 1000:
        raise RuntimeError(f"{FORTUNES} has only {len(found)} fitting sentences; install the "
                           "package fortunes")
    ordered = sorted(found)
    random.Random(SEED).shuffle(ordered)
    return ordered
