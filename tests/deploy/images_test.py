"""What the Dockerfile names is there, and an image has the packages that its programs need, and no
other. No image is built here: that needs a daemon."""

import fnmatch
import functools
import json
import pathlib
import re
import subprocess
import unittest

from deployment import (Dockerfile, SOURCE_DIRECTORY, check_config, host_and_port, parse_config)
from services import BIN_DIRECTORY, program

IMAGES = ("cli", "gateway", "compute")
DEBIAN = ("debian:12", "debian:12-slim")
BUILT = "/souvenir/build/release/bin/"
INSTALLED = "/opt/souvenir/bin/"
FILE = (SOURCE_DIRECTORY / "Dockerfile").read_text(encoding="utf-8")
IGNORE = (SOURCE_DIRECTORY / ".dockerignore").read_text(encoding="utf-8")


@functools.cache
def output(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


# --- Debian's packages, as they are installed here.

@functools.cache
def installed():
    """{package, or what one provides: set of packages that it depends on}, and those that every
    installation has. Of alternatives all count: the one that is here is among them."""
    packages, base = {}, {"apt"}
    query = "${Package}\t${Essential}\t${Priority}\t${Provides}\t${Pre-Depends}, ${Depends}\n"
    for line in output("dpkg-query", "-W", "-f", query).splitlines():
        package, essential, priority, provides, depends = line.split("\t")
        needs = set(re.findall(r"(?:^|[,|])\s*([a-z0-9][a-z0-9+.-]+)", depends))
        packages.setdefault(package, set()).update(needs)
        for name in re.findall(r"(?:^|,)\s*([a-z0-9][a-z0-9+.-]+)", provides):
            packages.setdefault(name, set()).add(package)
        if essential == "yes" or priority == "required":
            base.add(package)
    return packages, base


def closure(names):
    packages, _ = installed()
    found, todo = set(), set(names)
    while todo:
        name = todo.pop()
        if name not in found and name in packages:
            found.add(name)
            todo |= packages[name]
    return found


@functools.cache
def owners():
    """{library: package} of all that is installed. Debian's folders of the root link to /usr."""
    return {line.removeprefix("/usr"): path.stem.partition(":")[0]
            for path in pathlib.Path("/var/lib/dpkg/info").glob("*.list")
            for line in path.read_text(encoding="utf-8").split("\n") if ".so" in line}


def owner(path):
    return owners()[path.removeprefix("/usr")]


@functools.cache
def libraries(name):
    """{library: path} of all that a program loads, and the set of those it names itself."""
    path = program(name)
    loaded = dict(re.findall(r"^\s*(\S+) => (/\S+)", output("ldd", path), re.MULTILINE))
    named = set(re.findall(r"NEEDED\s+(\S+)", output("objdump", "-p", path)))
    return {library: str(pathlib.Path(file).resolve()) for library, file in loaded.items()}, named


# --- Docker's build context.

def patterns_of(text):
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def ignored(path, patterns):
    """Whether .dockerignore leaves a path out: the last pattern that matches it, or a folder above
    it, decides."""
    verdict = False
    candidates = [path, *map(str, pathlib.PurePosixPath(path).parents)][:-1]
    for pattern in patterns:
        keep, pattern = pattern.startswith("!"), pattern.lstrip("!")
        parts = pattern.removeprefix("**/")
        for candidate in candidates:
            tail = candidate.split("/")[-1] if parts != pattern else candidate
            if fnmatch.fnmatchcase(tail, parts) and tail.count("/") == parts.count("/"):
                verdict = not keep
    return verdict


class Image:
    """A target of the Dockerfile, with all that it has from the stages below it."""

    def __init__(self, dockerfile, name):
        self.name = name
        self.dockerfile = dockerfile
        self.copied = {}  # path in the image: source, of the tree or of a stage
        for rest in dockerfile.steps(name, "COPY"):
            *sources, target = [word for word in rest.split() if not word.startswith("--")]
            for source in sources:
                name_of = pathlib.PurePosixPath(source).name if target.endswith("/") else ""
                self.copied[target + name_of] = source
        self.sets = [word for rest in dockerfile.steps(name, "RUN")
                     for group in re.findall(r"scripts/setup --only (\S+)", rest)
                     for word in group.split(",")]

    def programs(self):
        built = [source.removeprefix(BUILT) for source in self.copied.values()
                 if source.startswith(BUILT)]
        return [source for source in built if (BIN_DIRECTORY / source).is_file()]

    def packages(self):
        return output(SOURCE_DIRECTORY / "scripts" / "setup", "--only", ",".join(self.sets),
                      "--list").split()

    def command(self):
        """Entry point and arguments."""
        return [word for instruction in ("ENTRYPOINT", "CMD")
                for rest in self.dockerfile.steps(self.name, instruction)
                for word in json.loads(rest)]


# --- Rules: functions of (Dockerfile, lines of .dockerignore) that yield complaints.

def stages(dockerfile, _):
    seen = set(DEBIAN)
    for name, stage in dockerfile.stages.items():
        if stage.parent not in seen:
            yield f"{name}: there is no {stage.parent} to make it from"
        for rest in stage.all("COPY"):
            for source in re.findall(r"--from=(\S+)", rest):
                if source not in seen:
                    yield f"{name}: there is no stage {source}"
        seen.add(name)
    yield from (f"no image {name}" for name in IMAGES if name not in seen)


def sources(dockerfile, patterns):
    for name, stage in dockerfile.stages.items():
        bound = [source for rest in stage.all("RUN")
                 for source in re.findall(r"source=([^,\s]+)", rest)]
        copied = [word for rest in stage.all("COPY") if "--from=" not in rest
                  for word in rest.split()[:-1]]
        for source in bound + copied:
            if not (SOURCE_DIRECTORY / source).exists():
                yield f"{name}: {source} is not there"
            elif source != "." and ignored(source, patterns):
                yield f"{name}: .dockerignore leaves {source} out"
        for source in [word for rest in stage.all("COPY") if "--from=build" in rest
                       for word in rest.split()[1:-1]]:
            if not (BIN_DIRECTORY / source.removeprefix(BUILT)).exists():
                yield f"{name}: nothing builds {source}"
    # What a build reads: all that CMake is told of.
    text = (SOURCE_DIRECTORY / "CMakeLists.txt").read_text(encoding="utf-8")
    folders = re.findall(r"^add_subdirectory\((\w[\w-]*)\)", text, re.MULTILINE)
    for folder in ("cmake", "CMakePresets.json", *folders):
        if ignored(folder, patterns):
            yield f".dockerignore leaves {folder} out"


def shared_libraries(dockerfile, _):
    _, base = installed()
    for name in IMAGES:
        image = Image(dockerfile, name)
        there = closure(base | set(image.packages()))
        needed, named = {}, set()
        for binary in image.programs():
            loaded, direct = libraries(binary)
            needed.update(loaded)
            named |= {owner(loaded[library]) for library in direct if library in loaded}
        for library, path in needed.items():
            if owner(path) not in there:
                yield f"{name}: has no {owner(path)}, which has {library}"
        for package in image.packages():
            if re.match("lib", package) and package not in named:
                yield f"{name}: no program of it is linked with {package}"
        missing = sorted(set(image.packages()) - installed()[0].keys())
        if missing:
            yield f"{name}: there is no package {missing}"


def commands(dockerfile, _):
    for name in IMAGES:
        image = Image(dockerfile, name)
        files = {line for package in image.packages()
                 for line in output("dpkg", "-L", package).split()}
        health = re.findall(r"CMD (\[.*\])", " ".join(dockerfile.steps(name, "HEALTHCHECK")))
        if len(health) != (0 if name == "cli" else 1):
            yield f"{name}: {len(health)} health checks"
        first = image.command()
        runs = [json.loads(text)[0] for text in health] + first[:1]
        runs += first[first.index("--") + 1:][:1] if "--" in first else []
        for word in runs:
            packaged = files & {"/bin/" + word, "/usr/bin/" + word}
            if INSTALLED + word not in image.copied and not packaged:
                yield f"{name}: has no {word}"
        if not any(rest.startswith(f"PATH={INSTALLED.rstrip('/')}:")
                   for rest in dockerfile.steps(name, "ENV")):
            yield f"{name}: its programs are not in PATH"
        if 0 in dockerfile.user(name):
            yield f"{name}: runs as root"


def configuration(dockerfile, _):
    for name in ("gateway", "compute"):
        image = Image(dockerfile, name)
        files = {path: (SOURCE_DIRECTORY / source).read_text(encoding="utf-8")
                 for path, source in image.copied.items() if path.endswith(".textproto")}
        arguments = json.loads(dockerfile.last(name, "CMD"))
        path = arguments[0].removeprefix("--config=")
        if path not in files:
            yield f"{name}: has no {path}"
            continue
        code, complaint = check_config(name, arguments, files)
        if code != 0:
            yield f"{name}: {complaint}"
        config = parse_config(name, files[path])
        ports = {str(host_and_port(address)[1])
                 for address in (config.listen_address, config.metrics_address)}
        if set(dockerfile.last(name, "EXPOSE").split()) != ports:
            yield f"{name}: exposes other ports than it listens on"
        if name == "gateway":
            made = re.findall(r"install -d -o (\d+) -g (\d+) .*?(/\S+)",
                              " ".join(dockerfile.steps(name, "RUN")))
            if made != [(*map(str, dockerfile.user(name)), config.disk.directory)]:
                yield f"{name}: {config.disk.directory} is not its own"
            if dockerfile.last(name, "VOLUME") != config.disk.directory:
                yield f"{name}: {config.disk.directory} is no volume"
        elif config.model_repository not in image.copied:
            yield f"{name}: has no {config.model_repository}"


def workers(dockerfile, _):
    """Every worker that is built but the one for PyTorch, whose libraries are half a gigabyte."""
    image = Image(dockerfile, "compute")
    for path in BIN_DIRECTORY.glob("souvenir-worker-*"):
        if path.name != "souvenir-worker-pytorch" and INSTALLED + path.name not in image.copied:
            yield f"compute: has no {path.name}"
    if image.copied.get(INSTALLED + "python") != BUILT + "python":
        yield "compute: has no module for models in Python"


def leftovers(dockerfile, _):
    """Bases from elsewhere than Docker's own registry do not empty apt's folders by themselves."""
    for name in IMAGES:
        for rest in dockerfile.steps(name, "RUN"):
            removed = rest.partition("rm -rf ")[2].split()
            if "scripts/setup" in rest and not {"/var/lib/apt/lists/*", "/var/cache/apt/*"} <= set(removed):
                yield f"{name}: keeps what apt has downloaded"


def commit(dockerfile, _):
    """The sources come without .git: a build argument tells the commit."""
    steps = dockerfile.stages["build"].steps
    configures = [i for i, (word, rest) in enumerate(steps)
                  if word == "RUN" and '-DSOUVENIR_COMMIT="$SOUVENIR_COMMIT"' in rest]
    if not configures:
        yield "build: the commit is not told to CMake"
    elif ("ARG", 'SOUVENIR_COMMIT=""') not in steps[:configures[0]]:
        yield "build: no argument has the commit"


RULES = (leftovers, stages, sources, shared_libraries, commands, commit, configuration, workers)

# (rule, a part of the Dockerfile, what to put there, words of the complaint).
MISTAKES = (
    (leftovers, "lists/* /var/cache/apt/*", "lists/*", "keeps what apt"),
    (leftovers, " /var/lib/apt/lists/*", "", "keeps what apt"),
    (stages, "FROM base AS cli", "FROM bass AS cli", "no bass"),
    (stages, "AS cli", "AS client", "no image cli"),
    (stages, "--from=build", "--from=built", "no stage built"),
    (sources, "COPY LICENSE", "COPY LICENCE", "LICENCE is not there"),
    (sources, "release/bin/souvenir-compute", "release/bin/souvenir-computer", "nothing builds"),
    (shared_libraries, "--only image-gateway", "--only image", "gateway: has no librocksdb7.8"),
    (shared_libraries, "--only image-compute,runtime", "--only image-compute,image-gateway",
     "compute: no program of it is linked with librocksdb7.8"),
    (shared_libraries, "--only image &&", "--only bench &&", "cli: has no libprotobuf32"),
    (commands, '["tini", "--", "souvenir-compute"]', '["dumb-init", "--", "souvenir-compute"]',
     "has no dumb-init"),
    (commands, 'ENTRYPOINT ["tini", "--", "souvenir-compute"]',
     'ENTRYPOINT ["tini", "--", "souvenir-computer"]', "has no souvenir-computer"),
    (commands, 'CMD ["souvenir", "--timeout=4", "health"]', 'CMD ["curl", "localhost"]',
     "has no curl"),
    (commands, "ENV PATH=/opt", "ENV PATH=/opr", "not in PATH"),
    (commands, "USER 10001:10001", "USER 0:0", "root"),
    (commit, 'ARG SOUVENIR_COMMIT=""\n', "", "no argument"),
    (commit, '-DSOUVENIR_COMMIT="$SOUVENIR_COMMIT"', "", "not told to CMake"),
    (configuration, '"--config=/etc/souvenir/gateway.', '"--config=/etc/gateway.',
     "has no /etc/gateway.textproto"),
    (configuration, 'gateway.textproto"]', 'gateway.textproto", "--data=x"]', "data"),
    (configuration, "EXPOSE 8001 8002", "EXPOSE 8001 8003", "exposes"),
    (configuration, "-m 750 /var/lib/souvenir", "-m 750 /var/lib/other", "not its own"),
    (configuration, "COPY models /opt/souvenir/models", "COPY models /opt/models", "has no /opt"),
    (workers, " \\\n     /souvenir/build/release/bin/souvenir-worker-builtin", "",
     "worker-builtin"),
    (workers, "/opt/souvenir/bin/python", "/opt/souvenir/python", "no module"),
)


class ImagesTest(unittest.TestCase):

    def test_what_is_named_is_there(self):
        for rule in RULES:
            with self.subTest(rule.__name__):
                self.assertEqual(list(rule(Dockerfile(FILE), patterns_of(IGNORE))), [])

    def test_a_mistake_is_noticed(self):
        for rule, old, new, words in MISTAKES:
            with self.subTest(words):
                self.assertIn(old, FILE)
                dockerfile = Dockerfile(FILE.replace(old, new))
                self.assertIn(words, "\n".join(rule(dockerfile, patterns_of(IGNORE))))

    def test_what_a_build_needs_is_not_ignored(self):
        for pattern, words in (("models", "leaves models out"), ("cache", "leaves cache out"),
                               ("**/*.json", "leaves CMakePresets.json out"),
                               ("LICENS?", "leaves LICENSE out"),
                               ("deploy", "leaves deploy/kubernetes/base/gateway.textproto")):
            with self.subTest(pattern):
                found = "\n".join(sources(Dockerfile(FILE), [*patterns_of(IGNORE), pattern]))
                self.assertIn(words, found)

    def test_every_rule_has_a_mistake(self):
        self.assertEqual({rule for rule, *_ in MISTAKES}, set(RULES))

    def test_a_list_names_packages_that_are_there(self):
        with self.assertRaises(subprocess.CalledProcessError):
            output(SOURCE_DIRECTORY / "scripts" / "setup", "--only", "no-such-set", "--list")


if __name__ == "__main__":
    unittest.main(verbosity=2)
