"""What a benchmark is, and how one is run: alternating rounds, medians, one table.

A benchmark is a class `Benchmark`, made with a Settings and used as a context manager: inside,
everything it measures is up and warm. `variants` then lists what is compared. A variant is measured
once a round; a sample that did not do what it should raises, because a figure of wrong answers is
worse than none.
"""

import contextlib
import dataclasses
import os
import pathlib
import statistics
import sys
import time
from typing import Callable, Optional


@dataclasses.dataclass(frozen=True)
class Settings:
    """What scripts/bench was told."""
    rounds: int
    seconds: float  # of one sample
    traces: pathlib.Path  # a folder with the public traces, see docs/benchmarks.md; may be missing
    directory: pathlib.Path  # for files; removed afterwards
    store_bytes: int = 10**9  # of the store that `footprint` writes and is started again with


@dataclasses.dataclass(frozen=True)
class Sample:
    """What one variant did in one round."""
    per_second: float
    p50_us: Optional[float] = None
    p99_us: Optional[float] = None


@dataclasses.dataclass(frozen=True)
class Demand:
    """What a figure should keep to; told in the table, and not an error where it is missed."""
    at_least: Optional[float] = None
    at_most: Optional[float] = None

    def is_met(self, figure):
        return ((self.at_least is None or figure >= self.at_least)
                and (self.at_most is None or figure <= self.at_most))

    def verdict(self, figure):
        """The demand as text, and whether `figure` misses it."""
        bounds = [f"{sign} {bound:g}" for sign, bound in
                  ((">=", self.at_least), ("<=", self.at_most)) if bound is not None]
        return ", ".join(bounds) + ("" if self.is_met(figure) else " MISSED")


@dataclasses.dataclass(frozen=True)
class Variant:
    """One line of the table. `beside` names the variant that it is compared with, `ratio_of` the
    field of their samples that is divided."""
    name: str
    measure: Callable[[int], Sample]  # takes the number of the round, from 0
    beside: Optional[str] = None
    ratio_of: str = "per_second"
    demand: Optional[Demand] = None  # of the ratio


class Stage(contextlib.ExitStack):
    """What a benchmark with programs of its own is made from: `start` brings them up, and registers
    what takes each down again, which is also done where `start` fails half way."""

    def __init__(self, settings):
        super().__init__()
        self._settings = settings

    def __enter__(self):
        super().__enter__()
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def start(self):
        raise NotImplementedError


def run(name, benchmark, settings):
    """Measures all variants of a benchmark class; returns {variant: [Sample]}, and the variants."""
    with benchmark(settings) as up:
        variants = up.variants()
        samples = {variant.name: [] for variant in variants}
        for number in range(settings.rounds):
            # Back and forth, so that whatever drifts does not favour who comes first.
            for variant in variants if number % 2 == 0 else reversed(variants):
                say(f"{name}: round {number + 1} of {settings.rounds}, {variant.name}")
                samples[variant.name].append(variant.measure(number))
    return samples, variants


def summarise(samples, variants):
    """One dict a variant, of medians over the rounds."""
    def median(name, field):
        values = [getattr(sample, field) for sample in samples[name]]
        return None if None in values else statistics.median(values)

    rows = []
    for variant in variants:
        rates = [sample.per_second for sample in samples[variant.name]]
        row = {"name": variant.name, "per_second": statistics.median(rates),
               "lowest": min(rates), "highest": max(rates),
               "p50_us": median(variant.name, "p50_us"),
               "p99_us": median(variant.name, "p99_us"),
               "beside": variant.beside, "ratio": None, "ratio_of": None, "demand": None}
        if variant.beside is not None:
            # Round by round: neighbours in time had the same machine.
            ratios = [getattr(mine, variant.ratio_of) / getattr(other, variant.ratio_of)
                      for mine, other in zip(samples[variant.name], samples[variant.beside],
                                             strict=True)]
            row |= {"ratio": statistics.median(ratios), "ratio_of": variant.ratio_of,
                    "ratio_lowest": min(ratios), "ratio_highest": max(ratios)}
            if variant.demand is not None:
                row["demand"] = variant.demand.verdict(row["ratio"])
        rows.append(row)
    return rows


def table(rows):
    """The rows as text."""
    def milliseconds(value):
        return "" if value is None else f"{value / 1000:.2f}"

    shorter = {"per_second": "rate", "p50_us": "p50", "p99_us": "p99", None: ""}
    lines = [("", "/s", "lowest", "highest", "p50 ms", "p99 ms", "ratio", "of", "to", "demand")]
    for row in rows:
        lines.append((row["name"], f"{row['per_second']:,.0f}", f"{row['lowest']:,.0f}",
                      f"{row['highest']:,.0f}", milliseconds(row["p50_us"]),
                      milliseconds(row["p99_us"]),
                      "" if row["ratio"] is None else f"{row['ratio']:.2f}",
                      shorter[row["ratio_of"]], row["beside"] or "", row["demand"] or ""))
    if not any(row["demand"] for row in rows):
        lines = [line[:-1] for line in lines]
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    left = (0, *range(7, len(widths)))
    return "\n".join(
        "  ".join(cell.ljust(width) if column in left else cell.rjust(width)
                  for column, (cell, width) in enumerate(zip(line, widths))).rstrip()
        for line in lines)


def plain_table(rows):
    """Rows of a benchmark that is exact: dicts with the same keys in the same order."""
    lines = [tuple(rows[0]), *(tuple(str(value) for value in row.values()) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip()
                     for line in lines)


def machine():
    """What the figures depend on, in a line."""
    model = "unknown processor"
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.split(":", 1)[1].strip()
            break
    cores = len(os.sched_getaffinity(0))
    load = os.getloadavg()[0]
    busy = "; it was BUSY with something else: believe none of it" if load > cores / 2 else ""
    return f"{model}, {cores} cores, load average {load:.2f} before the start{busy}"


def percentile(ordered, fraction):
    """Of values in ascending order."""
    return ordered[int(fraction * (len(ordered) - 1))]


def say(text):
    print(time.strftime("%H:%M:%S"), text, file=sys.stderr, flush=True)
