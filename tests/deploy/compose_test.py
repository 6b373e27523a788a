"""deploy/compose.yaml fits the images, the configuration in them, and the files that it mounts."""

import os
import pathlib
import re
import subprocess
import tempfile
import unittest

import yaml

from deployment import (AFTER_DRAIN, DEPLOY, Dockerfile, KUBERNETES, MIB, host_and_port,
                        memory_needed, parse_config, project_version)

OURS = ("gateway", "compute")


def config_of(service):
    """What the image has, and compose changes nothing of."""
    path = KUBERNETES / "base" / f"{service}.textproto"
    return parse_config(service, path.read_text(encoding="utf-8"))


def read(path):
    return yaml.safe_load((DEPLOY / path).read_text(encoding="utf-8"))


def scale(text):
    """"2g", "1536m": bytes."""
    number, unit = re.fullmatch(r"(\d+)([mg])", text).groups()
    return int(number) * {"m": MIB, "g": 1024 * MIB}[unit]


def seconds(text):
    return int(re.fullmatch(r"(\d+)s", text)[1])


def mounts(service):
    """[(source, target)]."""
    return [tuple(volume.split(":")[:2]) for volume in service.get("volumes", [])]


# --- Rules: functions of what compose.yaml says that yield complaints.

def images(compose):
    dockerfile = Dockerfile.read()
    for name in OURS:
        service = compose["services"].get(f"souvenir-{name}", {})
        if service.get("image") != f"souvenir-{name}:{project_version()}":
            yield f"souvenir-{name}: the image is {service.get('image')}"
        if service.get("build", {}).get("target") != name or name not in dockerfile.stages:
            yield f"souvenir-{name}: builds another target"
        if service.get("build", {}).get("args", {}).keys() != {"SOUVENIR_COMMIT"}:
            yield f"souvenir-{name}: the image is not told the commit"
        if not (DEPLOY / service["build"]["context"] / "Dockerfile").is_file():
            yield f"souvenir-{name}: there is no Dockerfile in its context"
    for address in config_of("gateway").compute_addresses:
        if host_and_port(address)[0] not in compose["services"]:
            yield f"souvenir-gateway: no service answers to {address}"
    if compose["services"]["souvenir-compute"]["deploy"]["replicas"] != 2:
        yield "souvenir-compute: not two replicas"


def foreign_images(compose):
    """By a whole version, so that two machines have the same, or by digest."""
    for name, service in compose["services"].items():
        image = service.get("image", "")
        if not re.search(r":v?\d+\.\d+\.\d+$|@sha256:[0-9a-f]{64}$", image):
            yield f"{name}: {image} may be any version"


def stops(compose):
    for name in OURS:
        service = compose["services"][f"souvenir-{name}"]
        config = config_of(name)
        needed = config.drain_timeout_seconds + AFTER_DRAIN
        if name == "compute":
            needed += config.pool.run_limit_ms // 1000
        if seconds(service["stop_grace_period"]) < needed:
            yield f"souvenir-{name}: stop_grace_period is below {needed} s"
    if "souvenir-compute" not in compose["services"]["souvenir-gateway"]["depends_on"]:
        yield "souvenir-gateway: may stop after compute"


def room(compose):
    gateway, config = compose["services"]["souvenir-gateway"], config_of("gateway")
    if scale(gateway["mem_limit"]) < memory_needed(config):
        yield f"souvenir-gateway: needs {memory_needed(config) / MIB:.0f} MiB of memory"
    if config.disk.directory not in [target for _, target in mounts(gateway)]:
        yield f"souvenir-gateway: {config.disk.directory} does not stay"
    budget = config_of("compute").memory_budget_bytes
    if budget > scale(compose["services"]["souvenir-compute"]["mem_limit"]) * 3 / 4:
        yield "souvenir-compute: memory_budget_bytes leaves no room in its container"


def walls(compose):
    admin = {host_and_port(config_of(name).admin_address)[1] for name in OURS}
    for name, service in compose["services"].items():
        for what, wanted in (("read_only", True), ("cap_drop", ["ALL"]),
                             ("security_opt", ["no-new-privileges:true"])):
            if service.get(what) != wanted:
                yield f"{name}: {what} is {service.get(what)}"
        for port in service.get("ports", []):
            if not port.startswith("127.0.0.1:"):
                yield f"{name}: {port} is open to all"
            if int(port.rpartition(":")[2]) in admin:
                yield f"{name}: {port} is an admin port"


def files(compose):
    for name, service in compose["services"].items():
        for source, _ in mounts(service):
            if source.startswith(".") and not (DEPLOY / source).exists():
                yield f"{name}: there is no {source}"
            if not source.startswith(".") and source not in compose["volumes"]:
                yield f"{name}: there is no volume {source}"


def seen_by(service, path):
    """The file that a container has at `path`, or None."""
    for source, target in mounts(service):
        if path.startswith(target + "/") and source.startswith("."):
            return DEPLOY / source / path.removeprefix(target + "/")
        if path == target:
            return DEPLOY / source
    return None


def monitoring(compose):
    prometheus = compose["services"]["prometheus"]
    (path,) = [word.partition("=")[2] for word in prometheus["command"]
               if word.startswith("--config.file=")]
    file = seen_by(prometheus, path)
    if file is None or not file.is_file():
        yield f"prometheus: there is no {path}"
        return
    here = yaml.safe_load(file.read_text(encoding="utf-8"))
    there = read("prometheus/prometheus.yml")
    jobs = {job["job_name"]: job for job in here["scrape_configs"]}
    if set(jobs) != {job["job_name"] for job in there["scrape_configs"]}:
        yield f"prometheus: its jobs are {sorted(jobs)}"
    for name in OURS:
        job = jobs.get(f"souvenir-{name}", {})
        targets = [target for static in job.get("static_configs", [])
                   for target in static["targets"]]
        targets += [f"{found}:{lookup['port']}" for lookup in job.get("dns_sd_configs", [])
                    for found in lookup["names"]]
        port = host_and_port(config_of(name).metrics_address)[1]
        if targets != [f"souvenir-{name}:{port}"]:
            yield f"prometheus: souvenir-{name} is scraped at {targets}"
    for rules in here["rule_files"]:
        seen = seen_by(prometheus, rules)
        if seen is None or not seen.is_file():
            yield f"prometheus: there is no {rules}"
    if ({pathlib.Path(rules).name for rules in here["rule_files"]}
            != {pathlib.Path(rules).name for rules in there["rule_files"]}):
        yield "prometheus: has other rules than everywhere"


def dashboards(compose):
    grafana = compose["services"]["grafana"]
    providers = list((DEPLOY / "grafana" / "provisioning" / "dashboards").glob("*.y*ml"))
    sources = list((DEPLOY / "grafana" / "provisioning" / "datasources").glob("*.y*ml"))
    if not providers or not sources:
        yield "grafana: nothing is provisioned"
    for path in providers:
        for provider in yaml.safe_load(path.read_text(encoding="utf-8"))["providers"]:
            folder = provider["options"]["path"]
            seen = seen_by(grafana, folder)
            if seen is None or not list(seen.glob("*.json")):
                yield f"grafana: there are no dashboards in {folder}"
    for path in sources:
        for source in yaml.safe_load(path.read_text(encoding="utf-8"))["datasources"]:
            if re.sub(r"\$\{?\w+\}?", grafana["environment"].get("PROMETHEUS_URL", ""),
                      source["url"]) != "http://prometheus:9090":
                yield f"grafana: asks {source['url']}"
    if seen_by(grafana, "/etc/grafana/provisioning") is None:
        yield "grafana: does not see what is provisioned"


RULES = (images, foreign_images, stops, room, walls, files, monitoring, dashboards)


def change(name, **fields):
    return lambda compose: compose["services"][name].update(fields)


# (rule, what is broken, words of the complaint).
MISTAKES = (
    (images, change("souvenir-gateway", image="souvenir-gateway:latest"), "latest"),
    (images, change("souvenir-compute", build={"context": "..", "target": "cli"}),
     "another target"),
    (images, change("souvenir-compute", build={"context": "..", "target": "compute"}),
     "not told the commit"),
    (images, change("souvenir-compute", build={"context": ".", "target": "compute"}),
     "no Dockerfile"),
    (images, change("souvenir-compute", deploy={"replicas": 1}), "not two replicas"),
    (foreign_images, change("prometheus", image="prom/prometheus:latest"), "any version"),
    (foreign_images, change("grafana", image="grafana/grafana:13"), "any version"),
    (stops, change("souvenir-compute", stop_grace_period="49s"), "below 50 s"),
    (stops, change("souvenir-gateway", depends_on=[]), "after compute"),
    (room, change("souvenir-gateway", mem_limit="1002m"), "needs 1003 MiB"),
    (room, change("souvenir-gateway", volumes=[]), "does not stay"),
    (walls, change("grafana", read_only=False), "grafana: read_only"),
    (walls, change("souvenir-compute", cap_drop=[]), "cap_drop"),
    (walls, change("prometheus", ports=["9090:9090"]), "open to all"),
    (walls, change("souvenir-gateway", ports=["127.0.0.1:8003:8003"]), "admin port"),
    (files, change("prometheus", volumes=["./prometheuss:/etc/prometheus:ro"]), "no ./prometheuss"),
    (files, change("souvenir-gateway", volumes=["data:/var/lib/souvenir"]), "no volume data"),
    (monitoring, change("prometheus", command=["--config.file=/etc/prometheus.yml"]),
     "there is no /etc"),
    (monitoring,
     change("prometheus",
            volumes=["./compose/prometheus.yml:/etc/prometheus-compose/prometheus.yml:ro"]),
     "there is no /etc/prometheus/rules.yml"),
    (dashboards, change("grafana", environment={}), "grafana: asks"),
    (dashboards, change("grafana", volumes=["./grafana/provisioning:/etc/grafana/provisioning:ro"]),
     "there are no dashboards"),
)


class ComposeTest(unittest.TestCase):

    def test_the_parts_fit(self):
        for rule in RULES:
            with self.subTest(rule.__name__):
                self.assertEqual(list(rule(read("compose.yaml"))), [])

    def test_a_mistake_is_noticed(self):
        for rule, break_it, words in MISTAKES:
            with self.subTest(words):
                compose = read("compose.yaml")
                break_it(compose)
                self.assertIn(words, "\n".join(rule(compose)))

    def test_every_rule_has_a_mistake(self):
        self.assertEqual({rule for rule, *_ in MISTAKES}, set(RULES))

    def test_compose_itself_reads_it(self):
        self.assertEqual(self.compose_config(DEPLOY / "compose.yaml"), "")
        with tempfile.TemporaryDirectory(prefix="souvenir-deploy-") as directory:
            wrong = pathlib.Path(directory) / "compose.yaml"
            text = (DEPLOY / "compose.yaml").read_text(encoding="utf-8")
            wrong.write_text(text.replace("read_only:", "readonly:"), encoding="utf-8")
            self.assertIn("readonly", self.compose_config(wrong))

    def compose_config(self, path):
        """Its complaint."""
        done = subprocess.run(["docker-compose", "-f", str(path), "config", "--quiet"],
                              capture_output=True, text=True, check=False, timeout=60,
                              env={"PATH": os.environ["PATH"]})
        return "" if done.returncode == 0 else done.stderr


if __name__ == "__main__":
    unittest.main(verbosity=2)
