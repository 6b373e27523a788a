"""Runs Debian's Prometheus for a test, with the configuration of deploy/prometheus."""

import json
import math
import subprocess
import threading
import urllib.error
import urllib.parse
import urllib.request

from services import SOURCE_DIRECTORY, wait_for
import yaml

CONFIG = SOURCE_DIRECTORY / "deploy" / "prometheus" / "prometheus.yml"
# Replaces the 15 s of production, so that a test sees many scrapes.
INTERVAL = "1s"


class Prometheus:
    """Scrapes the given targets instead of those in the configuration, and listens on a free port
    of the loopback interface. Must be made on the main thread, like a Service."""

    def __init__(self, directory, targets):
        """`targets` are addresses by job name, for exactly the jobs of the configuration."""
        config = yaml.safe_load(CONFIG.read_text(encoding="utf-8"))
        config["global"] |= {"scrape_interval": INTERVAL, "scrape_timeout": INTERVAL,
                             "evaluation_interval": INTERVAL}
        config["rule_files"] = [str(CONFIG.parent / name) for name in config["rule_files"]]
        jobs = {job["job_name"]: job for job in config["scrape_configs"]}
        if jobs.keys() != targets.keys():
            raise AssertionError(f"the jobs are {list(jobs)}")
        for name, address in targets.items():
            jobs[name]["static_configs"] = [{"targets": [address]}]
        file = directory / "prometheus.yml"
        file.write_text(yaml.safe_dump(config), encoding="utf-8")
        self._lines = []
        self._address = None
        self._process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "--", "prometheus", f"--config.file={file}",
             f"--storage.tsdb.path={directory / 'prometheus'}", "--web.listen-address=127.0.0.1:0",
             "--log.format=json"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        try:
            wait_for(self._is_ready, "Prometheus to be ready")
        except BaseException:
            self.stop()
            raise

    def stop(self):
        """Idempotent."""
        self._process.terminate()
        self._process.wait()
        self._reader.join(5)

    def query(self, expression):
        """Returns the present answer: [(labels, value)]. Raises with Prometheus's message on
        errors."""
        answer = self._get("query", query=expression)
        return [(sample["metric"], float(sample["value"][1])) for sample in answer["result"]]

    def numbers(self, expression):
        """Returns the finite values. Without data, a quantile or a quotient is NaN."""
        return [value for _, value in self.query(expression) if math.isfinite(value)]

    def rules(self):
        """Returns all rules as {"name", "type", "health", "lastError", "state", ...}."""
        return [rule for group in self._get("rules")["groups"] for rule in group["rules"]]

    def log(self):
        return "".join(self._lines)

    def _get(self, path, **parameters):
        # The loopback address must not go through a proxy.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        url = f"http://{self._address}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
        try:
            with opener.open(url, timeout=30) as page:
                return json.load(page)["data"]
        except urllib.error.HTTPError as error:
            said = json.load(error)["error"]
            raise AssertionError(f"{path} {parameters}: {said}") from error

    def _is_ready(self):
        if self._process.poll() is not None:
            raise AssertionError(f"Prometheus ended:\n{self.log()}")
        return self._address and "ready to receive web requests" in self.log()

    def _read(self):
        with self._process.stderr as stderr:
            for line in stderr:
                self._lines.append(line)
                entry = json.loads(line) if line.startswith("{") else {}
                if entry.get("msg") == "Listening on":
                    self._address = entry["address"]
