"""Reads the metrics page of a service."""

import re
import urllib.request

# A line of Prometheus's text format: name{labels} value.
SAMPLE = re.compile(r'^([a-zA-Z_:][a-zA-Z0-9_:]*)(\{((?:[a-zA-Z_]\w*="(?:[^"\\\n]|\\.)*",?)*)\})?'
                    r' ([-+]?(?:[0-9.]+(?:[eE][-+]?[0-9]+)?|Inf)|[Nn]a[Nn])$')


def scrape(address):
    """Returns (families {name: type}, samples {name: [(labels, value)]}) of a /metrics page."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"http://{address}/metrics", timeout=10) as page:
        text = page.read().decode()
    families, samples = {}, {}
    for line in text.splitlines():
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            if name in families:
                raise AssertionError(f"the family {name} comes twice")
            families[name] = kind
        elif line and not line.startswith("#"):
            match = SAMPLE.match(line)
            if match is None:
                raise AssertionError(f"not a line of Prometheus's text format: {line!r}")
            labels = dict(re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', match.group(3) or ""))
            samples.setdefault(match.group(1), []).append((labels, float(match.group(4))))
    return families, samples


def sum_of(address, name, **labels):
    """Returns the sum of the samples with this name and these labels; 0 if there is none."""
    _, samples = scrape(address)
    return sum(value for has, value in samples.get(name, []) if labels.items() <= has.items())
