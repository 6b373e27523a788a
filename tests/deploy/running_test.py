"""Both services, started with the configuration and behind the read-only root that a cluster gives
them, answer what the deployment asks: probes, health checks, the metric that it scales by."""

import json
import os
import re
import subprocess

import yaml

import deployment  # finds the modules of the end-to-end tests
import harness
from clients import kinds_of, text_request
from kubernetes_rules import Cluster
from metrics import scrape, sum_of
from services import program

ANYWHERE = ("--listen=127.0.0.1:0", "--admin=127.0.0.1:0", "--metrics=127.0.0.1:0")
# Mounts belong to the process that follows; only the folder "$0" can be written there.
READ_ONLY = 'mount --bind "$0" "$0" && mount -o remount,bind,ro / && exec "$@"'
PROBES = ("startupProbe", "readinessProbe", "livenessProbe")


class RunningTest(harness.ServicesTest):

    def start_deployed(self, overlay):
        """(compute, gateway), on free ports, where all else is as the overlay says."""
        if subprocess.run(["unshare", "--mount", "true"], check=False,
                          capture_output=True).returncode != 0:
            self.skipTest("this user may not have mounts of its own")
        self.cluster = Cluster(deployment.render(overlay))
        self.data = self.services.directory / "data"
        self.data.mkdir(exist_ok=True)
        models = deployment.SOURCE_DIRECTORY / "models"
        compute = self.start_workload("compute", (f"--model_repository={models}",))
        gateway = self.start_workload("gateway", (f"--compute={compute.listen}",
                                                  f"--data_dir={self.data}"))
        return compute, gateway

    def start_workload(self, service, arguments):
        workload = self.cluster.workload(service)
        ((path, text),) = workload.files.items()
        file = self.services.directory / f"{service}.textproto"
        file.write_text(text, encoding="utf-8")
        given = [argument.replace(path, str(file)) for argument in workload.arguments]
        return self.services.start(f"souvenir-{service}", [*given, *ANYWHERE, *arguments],
                                   prefix=("unshare", "--mount", "sh", "-c", READ_ONLY, self.data))

    def health_check(self, image, address):
        """The exit code of the image's health check."""
        text = " ".join(deployment.Dockerfile.read().steps(image, "HEALTHCHECK"))
        name, *arguments = json.loads(re.search(r"CMD (\[.*\])", text)[1])
        return subprocess.run([program(name), *arguments], check=False, capture_output=True,
                              timeout=60,
                              env={**os.environ, "SOUVENIR_SERVER": address}).returncode

    def test_what_a_deployment_asks(self):
        for overlay in deployment.OVERLAYS:
            compute, gateway = self.start_deployed(overlay)
            server = self.connect_when_ready(gateway)
            for service, running in (("compute", compute), ("gateway", gateway)):
                asked = self.connect(running.listen)
                container = self.cluster.workload(service).container
                for probe in PROBES:
                    name = container[probe]["grpc"].get("service", "")
                    self.assertEqual(asked.health(name), "SERVING", f"{service}, {probe}")
                self.assertEqual(self.health_check(service, running.listen), 0)
                asked.close()

            question = text_request([f"The house of {overlay} is red."], model="text_stats")
            question.inputs[0].name = "TEXT"
            self.assertEqual(kinds_of(server.infer(question)[1]), {"miss": 1})
            self.assertEqual(kinds_of(server.infer(question)[1]), {"memory": 1})
            self.assertGreater(sum_of(gateway.metrics, "souvenir_gateway_cache_limit_bytes",
                                      tier="disk"), 0)
            self.check_what_is_scaled_by(compute)
            server.close()
            for running in (gateway, compute):
                self.assertEqual(running.terminate(), 0)
            self.assertTrue(any((self.data / "cache").iterdir()), "the disk tier wrote nothing")
        self.assertNotEqual(self.health_check("gateway", gateway.listen), 0, "it has stopped")

    def check_what_is_scaled_by(self, compute):
        families, samples = scrape(compute.metrics)
        for rule in yaml.safe_load(
                (deployment.KUBERNETES / "adapter" / "values.yaml").read_text())["rules"]["custom"]:
            series = rule["seriesQuery"].partition("{")[0]
            self.assertEqual(families.get(series), "gauge")
            # One series for each version of a model, of which the adapter makes a pod's sum.
            self.assertEqual({tuple(labels) for labels, _ in samples[series]}, {("model", "version")})

    def test_elsewhere_it_could_not_write(self):
        self.start_deployed("single-node")
        with self.assertRaisesRegex(RuntimeError, "[Rr]ead-only"):
            self.start_workload("gateway", (f"--data_dir={self.services.directory / 'elsewhere'}",))


if __name__ == "__main__":
    harness.main()
