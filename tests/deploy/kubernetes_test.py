"""Every overlay renders, its objects fit each other and the programs, and a mistake in any of them
would be noticed."""

import unittest

import yaml

import kubernetes_rules as rules
from deployment import DEPLOY, KUBERNETES, OVERLAYS, render

# What Debian's kubectl, with kustomize 2, and today's both know. `resources` are files: folders are
# `bases`, or the old one fails.
KUSTOMIZATION_FIELDS = {"apiVersion", "kind", "namespace", "bases", "resources", "images",
                        "configMapGenerator", "patchesStrategicMerge", "patchesJson6902"}


def find(objects, kind, name):
    (found,) = [item for item in objects
                if (item["kind"], item["metadata"]["name"]) == (kind, name)]
    return found


def workload(objects, name):
    return [item for item in objects if item["kind"] in rules.WORKLOADS
            and item["metadata"]["name"] == name][0]


def pod(objects, name="souvenir-gateway"):
    return workload(objects, name)["spec"]["template"]["spec"]


def container(objects, name="souvenir-gateway"):
    return pod(objects, name)["containers"][0]


def scaler(objects):
    return find(objects, "HorizontalPodAutoscaler", "souvenir-compute")["spec"]


def policy(objects, name):
    return find(objects, "NetworkPolicy", name)["spec"]


def monitor(objects, name):
    return find(objects, "ServiceMonitor", name)["spec"]


def configure(objects, old, new, name="souvenir-gateway"):
    for item in objects:
        if item["kind"] == "ConfigMap" and item["metadata"]["name"].startswith(name):
            ((key, text),) = item["data"].items()
            assert old in text
            item["data"][key] = text.replace(old, new)


# (rule, what is broken, words of the complaint).
MISTAKES = (
    (rules.selectors,
     lambda o: workload(o, "souvenir-compute")["spec"]["template"]["metadata"]["labels"].update(
         {"app.kubernetes.io/name": "souvenir-gateway"}),
     "Deployment souvenir-compute: its selector"),
    (rules.selectors,
     lambda o: find(o, "Service", "souvenir-gateway")["spec"]["selector"].update({"a": "b"}),
     "Service souvenir-gateway: selects not one"),
    (rules.selectors,
     lambda o: find(o, "PodDisruptionBudget", "souvenir-compute")["spec"].update(
         {"maxUnavailable": 0}), "Deployment souvenir-compute: no PodDisruptionBudget"),
    (rules.selectors,
     lambda o: pod(o)["topologySpreadConstraints"][0]["labelSelector"]["matchLabels"].clear(),
     "topologySpreadConstraints"),
    (rules.names, lambda o: o[-1]["metadata"].update({"namespace": "other"}),
     "not in the namespace"),
    (rules.names, lambda o: o.append(o[-1]), "twice"),
    (rules.ports, lambda o: container(o)["ports"][0].update({"containerPort": 8011}), "port grpc"),
    (rules.ports, lambda o: configure(o, "0.0.0.0:8002", "127.0.0.1:8002"), "port metrics"),
    (rules.ports, lambda o: configure(o, "127.0.0.1:8003", "0.0.0.0:8003"), "not on loopback"),
    (rules.ports, lambda o: configure(o, "127.0.0.1:8003", "127.0.0.1:8002"),
     "admin port is among"),
    (rules.ports,
     lambda o: find(o, "Service", "souvenir-compute")["spec"]["ports"][0].update({"port": 80}),
     "Service souvenir-compute: port grpc"),
    (rules.ports,
     lambda o: find(o, "Service", "souvenir-compute")["spec"]["ports"].pop(0), "no Service has"),
    (rules.discovery, lambda o: configure(o, "souvenir-compute:8011", "compute:8011"),
     "compute:8011"),
    (rules.discovery,
     lambda o: configure(o, "souvenir-compute:8011", "souvenir-compute:8012"),
     "souvenir-compute:8012"),
    (rules.discovery,
     lambda o: find(o, "Service", "souvenir-compute")["spec"].pop("clusterIP"), "is no headless"),
    (rules.discovery,
     lambda o: workload(o, "souvenir-gateway")["spec"].update({"serviceName": "souvenir-gateway"}),
     "serviceName"),
    (rules.probes,
     lambda o: container(o)["livenessProbe"]["grpc"].update({"port": 8003}), "livenessProbe"),
    (rules.probes, lambda o: container(o, "souvenir-compute").pop("startupProbe"), "startupProbe"),
    (rules.patience,
     lambda o: pod(o).update({"terminationGracePeriodSeconds": 44}), "is below 45"),
    (rules.patience, lambda o: configure(o, "drain_timeout_seconds: 30",
     "drain_timeout_seconds: 50"),
     "is below 65"),
    (rules.patience,
     lambda o: container(o)["lifecycle"]["preStop"]["exec"].update({"command": ["sleep", "1"]}),
     "preStop is over"),
    (rules.patience,
     lambda o: container(o)["livenessProbe"].update({"failureThreshold": 1}),
     "is restarted before"),
    (rules.volumes, lambda o: container(o)["volumeMounts"].pop(), "volumes"),
    (rules.volumes,
     lambda o: pod(o)["volumes"][0].update({"configMap": {"name": "souvenir-gateway"}}),
     "no ConfigMap for"),
    (rules.volumes,
     lambda o: pod(o)["volumes"][1].update({"emptyDir": None, "hostPath": {"path": "/tmp"}})
     or pod(o)["volumes"][1].pop("emptyDir"), "neither"),
    (rules.volumes, lambda o: configure(o, '"/var/lib/souvenir"', '"/tmp"'),
     "no volume that stays"),
    (rules.volumes, lambda o: configure(o, "limit_bytes: 42949672960", "limit_bytes: 53687091200"),
     "do not fit"),
    (rules.memory, lambda o: configure(o, "limit_bytes: 2147483648", "limit_bytes: 3221225472"),
     "needs 4416 MiB"),
    (rules.memory,
     lambda o: container(o)["resources"]["requests"].update({"memory": "5Gi"}), "more memory"),
    (rules.memory,
     lambda o: configure(o, "model_repository", "memory_budget_bytes: 4294967296 model_repository",
                         "souvenir-compute"), "memory_budget_bytes"),
    (rules.memory,
     lambda o: container(o, "souvenir-compute")["resources"]["limits"].update({"cpu": "500m"}),
     "no whole processor"),
    (rules.images, lambda o: container(o).update({"image": "souvenir:0.1.0"}), "no image"),
    (rules.images, lambda o: container(o).update({"image": "souvenir-gateway:latest"}), "latest"),
    (rules.security, lambda o: container(o)["securityContext"].pop("readOnlyRootFilesystem"),
     "readOnlyRootFilesystem"),
    (rules.security, lambda o: pod(o)["securityContext"].update({"runAsUser": 1000}), "runAsUser"),
    (rules.security, lambda o: pod(o)["securityContext"].pop("fsGroup"), "fsGroup"),
    (rules.security, lambda o: pod(o).update({"hostNetwork": True}), "hostNetwork"),
    (rules.security, lambda o: find(o, "Namespace", "souvenir")["metadata"]["labels"].clear(),
     "restricted"),
    (rules.network_policies, lambda o: o.remove(find(o, "NetworkPolicy", "default-deny")),
     "denies"),
    (rules.network_policies,
     lambda o: policy(o, "souvenir-gateway")["ingress"][0]["ports"][0].update({"port": 8003}),
     "8003"),
    (rules.network_policies,
     lambda o: policy(o, "souvenir-compute")["ingress"][0].pop("from"), "open for all"),
    (rules.network_policies,
     lambda o: policy(o, "souvenir-compute")["ingress"][0]["from"][0]["podSelector"]["matchLabels"]
     .update({"app.kubernetes.io/name": "x"}), "ingress does not let"),
    (rules.network_policies, lambda o: policy(o, "souvenir-gateway")["egress"].pop(0),
     "egress does not let"),
    (rules.network_policies, lambda o: policy(o, "souvenir-gateway")["egress"].pop(1),
     "look names up"),
    (rules.autoscaling,
     lambda o: scaler(o)["scaleTargetRef"].update({"name": "compute"}), "there is no Deployment"),
    (rules.autoscaling, lambda o: workload(o, "souvenir-compute")["spec"].update({"replicas": 2}),
     "would undo"),
    (rules.autoscaling,
     lambda o: scaler(o)["metrics"][0]["pods"]["metric"].update({"name": "queue"}),
     "no rule for queue"),
    (rules.monitoring,
     lambda o: monitor(o, "souvenir-gateway")["endpoints"][0].update({"port": "grpc"}),
     "scraped as ['souvenir-gateway', 'souvenir-gateway']"),
    (rules.monitoring,
     lambda o: monitor(o, "souvenir-compute")["selector"]["matchLabels"].update({"a": "b"}),
     "scraped as []"),
    (rules.configuration, lambda o: configure(o, "memory {", "memory { shards: 3"), "shards"),
    (rules.configuration, lambda o: container(o)["args"].append("--drain_timeout=ten"), "drain"),
    (rules.field_names, lambda o: pod(o).update({"terminationGracePeriod": 60}),
     "no field .spec.template.spec.terminationGracePeriod"),
)


class KubernetesTest(unittest.TestCase):

    def test_the_objects_fit_each_other(self):
        for overlay in OVERLAYS:
            with self.subTest(overlay):
                self.assertEqual(rules.complaints(render(overlay)), [])

    def test_a_mistake_is_noticed(self):
        for number, (rule, break_it, words) in enumerate(MISTAKES):
            with self.subTest(f"{number}: {rule.__name__}: {words}"):
                objects = render("production")
                break_it(objects)
                self.assertIn(words, "\n".join(rule(rules.Cluster(objects))))

    def test_every_rule_has_a_mistake(self):
        self.assertEqual({rule for rule, _, _ in MISTAKES}, set(rules.RULES))

    def test_what_an_overlay_is_for(self):
        kinds = {overlay: {item["kind"] for item in render(overlay)} for overlay in OVERLAYS}
        # A cluster of one machine need not have the operator's definitions, nor the adapter.
        extra = {"HorizontalPodAutoscaler", "ServiceMonitor"}
        self.assertEqual(kinds["production"] - kinds["single-node"], extra)
        for overlay in OVERLAYS:
            self.assertNotIn("Secret", kinds[overlay])

    def test_old_and_new_kustomize_know_every_field(self):
        found = sorted(KUBERNETES.rglob("kustomization.yaml"))
        self.assertEqual(len(found), 1 + len(OVERLAYS))
        for path in found:
            fields = yaml.safe_load(path.read_text(encoding="utf-8"))
            self.assertLessEqual(fields.keys(), KUSTOMIZATION_FIELDS, path)
            for resource in fields.get("resources", []):
                self.assertTrue((path.parent / resource).is_file(), f"{path}: {resource}")

    def test_no_file_is_left_out(self):
        for path in sorted(KUBERNETES.rglob("kustomization.yaml")):
            text = path.read_text(encoding="utf-8")
            for file in path.parent.iterdir():
                if file.is_file() and file != path:
                    self.assertIn(file.name, text, f"{path} does not name it")

    def test_jobs_are_called_as_everywhere(self):
        path = DEPLOY / "prometheus" / "prometheus.yml"
        scraped = yaml.safe_load(path.read_text(encoding="utf-8"))
        jobs = {job["job_name"] for job in scraped["scrape_configs"]}
        for item in render("production"):
            if item["kind"] == "ServiceMonitor":
                self.assertIn(item["spec"]["endpoints"][0]["relabelings"][0]["replacement"], jobs)


if __name__ == "__main__":
    unittest.main(verbosity=2)
