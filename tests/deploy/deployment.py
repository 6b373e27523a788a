"""What the tests of deploy/ read with: rendered Kubernetes objects, the Dockerfile, configuration
files, and the numbers in them."""

import copy
import functools
import pathlib
import re
import subprocess
import sys
import tempfile

import yaml

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
from services import SOURCE_DIRECTORY, program  # pylint: disable=wrong-import-position

from google.protobuf import text_format  # pylint: disable=wrong-import-position
from souvenir.config.v1 import compute_pb2  # pylint: disable=wrong-import-position
from souvenir.config.v1 import gateway_pb2  # pylint: disable=wrong-import-position

DEPLOY = SOURCE_DIRECTORY / "deploy"
KUBERNETES = DEPLOY / "kubernetes"
OVERLAYS = ("single-node", "production", "openshift")

MIB = 1 << 20
# Seconds: five for the last answers, five to write and to end what is left.
AFTER_DRAIN = 10

_CONFIGS = {"gateway": gateway_pb2.GatewayConfig, "compute": compute_pb2.ComputeConfig}


@functools.cache
def documented_defaults(service):
    """Of "gateway" or "compute", from the table in docs/configuration.md."""
    page = (SOURCE_DIRECTORY / "docs" / "configuration.md").read_text(encoding="utf-8")
    section = page.partition(f"\n## souvenir-{service}\n")[2]
    section = section.partition("\n\n|")[2].partition("\n\n")[0]
    config = _CONFIGS[service]()
    for field, default in re.findall(r'^\| `([\w.]+)` \| `?("[^"]*"|\d+|true|false)', section,
                                     re.MULTILINE):
        *groups, name = field.split(".")
        text = f"{name}: {default}"
        for group in reversed(groups):
            text = f"{group} {{ {text} }}"
        text_format.Merge(text, config)
    return config


def parse_config(service, text):
    """The configuration of "gateway" or "compute", with its defaults."""
    config = _CONFIGS[service]()
    config.CopyFrom(documented_defaults(service))
    config.MergeFrom(text_format.Parse(text, _CONFIGS[service]()))
    return config


def check_config(service, arguments, files):
    """(exit code, complaint) of `souvenir-<service> --check_config ARGUMENTS`, in which paths that
    `files` (path: text) has lead to files with that text."""
    with tempfile.TemporaryDirectory(prefix="souvenir-deploy-") as directory:
        arguments = list(arguments)
        for number, (path, text) in enumerate(files.items()):
            copy = pathlib.Path(directory) / f"{number}.textproto"
            copy.write_text(text, encoding="utf-8")
            arguments = [argument.replace(path, str(copy)) for argument in arguments]
        done = subprocess.run([program("souvenir-" + service), *arguments, "--check_config"],
                              capture_output=True, text=True, check=False, timeout=60,
                              stdin=subprocess.DEVNULL, cwd=directory)
        return done.returncode, done.stderr


def memory_needed(config):
    """Bytes that a gateway's process may come to: a third more than the tier (docs/caching.md), and
    what waits."""
    return (config.memory.limit_bytes * 4 / 3 + config.flights.max_bytes +
            config.disk.write_queue_bytes)


def host_and_port(address):
    host, _, port = address.rpartition(":")
    return host, int(port)


def kustomize(folder):
    """(objects, what kubectl says beside them)."""
    done = subprocess.run(["kubectl", "kustomize", str(folder)], capture_output=True, text=True,
                          check=False, timeout=60)
    if done.returncode != 0:
        raise AssertionError(f"kubectl kustomize of {folder} failed: {done.stderr}")
    return [item for item in yaml.safe_load_all(done.stdout) if item], done.stderr


@functools.cache
def _rendered(overlay):
    return kustomize(KUBERNETES / "overlays" / overlay)[0]


def render(overlay):
    """The objects of an overlay, which the caller may change."""
    return copy.deepcopy(_rendered(overlay))


_QUANTITY = re.compile(r"^([0-9.]+)(m|[kKMGT]i?)?$")
_UNITS = {None: 1, "m": 1e-3, **{unit: 1000 ** n for n, unit in enumerate("kMGT", 1)},
          **{f"{unit}i": 1024 ** n for n, unit in enumerate("KMGT", 1)}}


def quantity(text):
    """A number of Kubernetes: "500m" is 0.5, "2Gi" 2147483648."""
    match = _QUANTITY.match(str(text))
    if match is None:
        raise ValueError(f"not a quantity: {text!r}")
    return float(match[1]) * _UNITS[match[2]]


def project_version():
    text = (SOURCE_DIRECTORY / "CMakeLists.txt").read_text(encoding="utf-8")
    return re.search(r"^project\(souvenir VERSION (\S+)", text, re.MULTILINE)[1]


class Dockerfile:
    """Its stages in order: {name: Stage}. No more of the language than the file uses."""

    class Stage:
        """`parent` is a stage or an image, `steps` [(instruction, rest of the line)]."""

        def __init__(self, parent):
            self.parent = parent
            self.steps = []

        def all(self, instruction):
            return [rest for word, rest in self.steps if word == instruction]

    def __init__(self, text):
        self.stages = {}
        text = re.sub(r"^\s*#.*\n", "", text, flags=re.MULTILINE)
        for line in re.sub(r"\\\n\s*", " ", text).splitlines():
            word, _, rest = line.partition(" ")
            if word == "FROM":
                parent, name = re.fullmatch(r"(\S+) AS (\S+)", rest).groups()
                stage = self.stages[name] = Dockerfile.Stage(parent)
            elif word:
                stage.steps.append((word, rest))

    @classmethod
    def read(cls):
        return cls((SOURCE_DIRECTORY / "Dockerfile").read_text(encoding="utf-8"))

    def ancestry(self, name):
        """The stage and those it is made from, the first one first."""
        chain = []
        while name in self.stages:
            chain.insert(0, self.stages[name])
            name = chain[0].parent
        return chain

    def steps(self, name, instruction):
        """Those of the stage and of all that it is made from."""
        return [rest for stage in self.ancestry(name) for rest in stage.all(instruction)]

    def last(self, name, instruction):
        return self.steps(name, instruction)[-1]

    def user(self, name):
        """(user, group), as numbers."""
        return tuple(int(number) for number in self.last(name, "USER").split(":"))
