"""Reads the tables of docs/metrics.md."""

import dataclasses
import re

from services import SOURCE_DIRECTORY

PAGE = SOURCE_DIRECTORY / "docs" / "metrics.md"
HEADING = re.compile(r"^## (.*)$")
CODE = re.compile(r"`([^`]+)`")
EVERYWHERE = ("all that have it", "all others that have it")


@dataclasses.dataclass(frozen=True)
class Family:
    """A row of a table: one metric."""
    service: str  # "gateway", "compute" or "both"
    type: str
    unit: str
    labels: frozenset


def families():
    """Returns {name: Family}."""
    found = {}
    for section, cells in _rows():
        if section not in ("gateway", "compute", "both"):
            continue
        name, kind, unit, labels, _ = cells
        (name,) = CODE.findall(name)
        assert name not in found, f"{name} is documented twice"
        found[name] = Family(section, kind, unit, frozenset(CODE.findall(labels)))
    return found


def label_values():
    """Returns {(name of a family, label): values, or None if the page does not list them}."""
    known = families()
    found = {}
    rows = [cells for section, cells in _rows() if section == "labels"]
    for label, of, values in sorted(rows, key=lambda cells: cells[1] in EVERYWHERE):
        (label,) = CODE.findall(label)
        names = ([name for name, family in known.items()
                  if label in family.labels and (name, label) not in found]
                 if of in EVERYWHERE else CODE.findall(of))
        is_list = values.startswith("`")
        for name in names:
            assert (name, label) not in found, f"{label} of {name} is documented twice"
            found[name, label] = set(CODE.findall(values)) if is_list else None
    return found


def _rows():
    """Yields (section, cells) of each row of each table, without the heads."""
    section, is_body = "", False
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        heading = HEADING.match(line)
        if heading:
            section = heading.group(1).lower()
        if not line.startswith("|"):
            is_body = False
        elif line.startswith("|---"):
            is_body = True
        elif is_body:
            yield section, [cell.strip() for cell in line[1:-1].split("|")]


def metrics_in(query):
    """Returns the names of all metrics and recorded series in a PromQL query, without the suffixes
    of a histogram."""
    bare = re.sub(r'"(?:[^"\\]|\\.)*"', "", query)  # values of labels
    names = re.findall(r"[a-z_:]*(?:souvenir|process)_[a-z0-9_:]*|\bup\b", bare)
    known = families()
    return {name if name in known else re.sub("_(bucket|sum|count)$", "", name) for name in names}
