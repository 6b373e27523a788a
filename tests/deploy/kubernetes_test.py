"""Every overlay renders, its objects fit each other and the programs, and a mistake in any of them
would be noticed."""

import pathlib
import shutil
import tempfile
import unittest

import yaml

import kubernetes_rules as rules
from deployment import DEPLOY, KUBERNETES, OVERLAYS, kustomize, render

# What Debian's kubectl, with kustomize 2, and today's both know. `resources` are files: folders are
# `bases`, or the old one fails.
KUSTOMIZATION_FIELDS = {"apiVersion", "kind", "namespace", "bases", "resources", "images",
                        "configMapGenerator", "patchesStrategicMerge", "patchesJson6902"}


STATEFUL_SET = {"group": "apps", "version": "v1", "kind": "StatefulSet", "name": "souvenir-gateway"}
POLICY = {"group": "networking.k8s.io", "version": "v1", "kind": "NetworkPolicy",
          "name": "souvenir-gateway"}
# Each of deploy/kubernetes/patches: the fields of the overlay that has it, and what it is for.
PATCHES = {
    "compute-address.yaml": ({"namePrefix": "staging-"}, STATEFUL_SET, lambda objects: (
        [a for a in workload(objects, "staging-souvenir-gateway")["spec"]["template"]["spec"]
         ["containers"][0]["args"] if "staging-souvenir-compute:8011" in a])),
    "name-servers.yaml": ({}, POLICY, lambda objects: (
        policy(objects, "souvenir-gateway")["egress"][-1]["to"][0].get("ipBlock"))),
    "priority.yaml": ({}, None, lambda objects: (
        pod(objects)["priorityClassName"] != pod(objects, "souvenir-compute")["priorityClassName"])),
    "processor-limit.yaml": ({}, None, lambda objects: (
        container(objects)["resources"]["limits"]["cpu"])),
    "storage-class.yaml": ({}, STATEFUL_SET, lambda objects: (
        workload(objects, "souvenir-gateway")["spec"]["volumeClaimTemplates"][0]["spec"]
        ["storageClassName"])),
}


def render_with(patches, **fields):
    """An overlay of a user's own beside those that there are, with copies of `patches`."""
    with tempfile.TemporaryDirectory(prefix="souvenir-deploy-") as directory:
        copied = pathlib.Path(directory) / "kubernetes"
        shutil.copytree(KUBERNETES, copied)
        own = copied / "overlays" / "own"
        own.mkdir()
        kustomization = {"namespace": "own", "bases": ["../../base"], "patchesJson6902": [],
                         "patchesStrategicMerge": [], **fields}
        for name in patches:
            shutil.copy(KUBERNETES / "patches" / name, own)
            more, target, _ = PATCHES[name]
            kustomization |= more
            if target is None:
                kustomization["patchesStrategicMerge"].append(name)
            else:
                kustomization["patchesJson6902"].append({"target": target, "path": name})
        (own / "kustomization.yaml").write_text(yaml.safe_dump(kustomization), encoding="utf-8")
        return kustomize(own)[0]


def modernise(kustomization):
    """As docs/operations.md says, in the words of today's kustomize."""
    fields = dict(kustomization)
    bases = fields.pop("bases", [])
    if bases or "resources" in fields:
        fields["resources"] = bases + fields.get("resources", [])
    patches = [{"path": path} for path in fields.pop("patchesStrategicMerge", [])]
    patches += fields.pop("patchesJson6902", [])
    if patches:
        fields["patches"] = patches
    return fields


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


def name_rule(objects):
    return policy(objects, "souvenir-gateway")["egress"][1]


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
    (rules.ephemeral_storage,
     lambda o: container(o)["resources"]["requests"].pop("ephemeral-storage"), "node's disk"),
    (rules.ephemeral_storage,
     lambda o: pod(o)["volumes"][1]["emptyDir"].update({"sizeLimit": "2Gi"}), "less than"),
    (rules.ephemeral_storage,
     lambda o: container(o)["resources"]["requests"].update({"ephemeral-storage": "2Gi"}),
     "requests more ephemeral"),
    (rules.service_accounts, lambda o: pod(o).pop("serviceAccountName"), "of its own"),
    (rules.service_accounts,
     lambda o: pod(o).update({"serviceAccountName": "souvenir-compute"}), "of its own"),
    (rules.service_accounts,
     lambda o: find(o, "ServiceAccount", "souvenir-gateway").pop("automountServiceAccountToken"),
     "gives tokens"),
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
    (rules.network_policies, lambda o: name_rule(o)["to"].pop(0), "the cluster's, UDP 53"),
    (rules.network_policies, lambda o: name_rule(o)["to"].pop(1), "OpenShift's, UDP 5353"),
    (rules.network_policies, lambda o: name_rule(o)["to"].pop(2), "NodeLocal DNSCache, UDP 53"),
    (rules.network_policies, lambda o: name_rule(o)["ports"].pop(1), "the cluster's, TCP 53"),
    (rules.network_policies,
     lambda o: name_rule(o)["to"][0]["podSelector"]["matchLabels"].update({"a": "b"}),
     "the cluster's"),
    (rules.network_policies,
     lambda o: name_rule(o)["to"][2]["ipBlock"].update({"cidr": "169.254.0.0/16"}),
     "credentials"),
    (rules.security, lambda o: find(o, "Namespace", "souvenir")["metadata"]["labels"].pop(
        "pod-security.kubernetes.io/enforce-version"), "next version"),
    (rules.security, lambda o: find(o, "Namespace", "souvenir")["metadata"]["labels"].pop(
        "pod-security.kubernetes.io/audit"), "does not audit"),
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
        # On OpenShift a project is made otherwise.
        self.assertEqual(kinds["single-node"] - kinds["openshift"], {"Namespace"})
        for item in rules.Cluster(render("openshift")).workloads:
            self.assertNotRegex(str(item.item), "runAsUser|runAsGroup|fsGroup'")
        for overlay in OVERLAYS:
            self.assertNotIn("Secret", kinds[overlay])

    def test_old_and_new_kustomize_know_every_field(self):
        found = sorted(KUBERNETES.rglob("kustomization.yaml"))
        self.assertEqual(len(found), len(("base", "namespace")) + len(OVERLAYS))
        for path in found:
            fields = yaml.safe_load(path.read_text(encoding="utf-8"))
            self.assertLessEqual(fields.keys(), KUSTOMIZATION_FIELDS, path)
            for resource in fields.get("resources", []):
                self.assertTrue((path.parent / resource).is_file(), f"{path}: {resource}")
        self.assertNotIn("Namespace", {item["kind"] for item in kustomize(KUBERNETES / "base")[0]})

    def test_in_the_words_of_today_it_is_the_same(self):
        _, said = kustomize(KUBERNETES / "overlays" / "production")
        if "deprecated" not in said:
            self.skipTest("this kubectl does not know today's fields")
        with tempfile.TemporaryDirectory(prefix="souvenir-deploy-") as directory:
            copied = pathlib.Path(directory) / "kubernetes"
            shutil.copytree(KUBERNETES, copied)
            for path in copied.rglob("kustomization.yaml"):
                fields = modernise(yaml.safe_load(path.read_text(encoding="utf-8")))
                path.write_text(yaml.safe_dump(fields), encoding="utf-8")
            for overlay in OVERLAYS:
                objects, said = kustomize(copied / "overlays" / overlay)
                self.assertEqual(said, "", overlay)
                by_name = lambda item: (item["kind"], item["metadata"]["name"])
                self.assertEqual(sorted(objects, key=by_name),
                                 sorted(render(overlay), key=by_name), overlay)
        page = (DEPLOY.parent / "docs" / "operations.md").read_text(encoding="utf-8")
        for old in ("bases", "patchesStrategicMerge", "patchesJson6902"):
            self.assertRegex(page, rf"(?m)^\| `{old}` \|")

    def test_patches_do_what_they_are_for(self):
        self.assertEqual({path.name for path in (KUBERNETES / "patches").iterdir()}, set(PATCHES))
        for name, (_, _, effect) in PATCHES.items():
            with self.subTest(name):
                objects = render_with([name])
                self.assertEqual(rules.complaints(objects), [])
                self.assertTrue(effect(objects))
        self.assertEqual(rules.complaints(render_with(set(PATCHES) - {"compute-address.yaml"})), [])

    def test_a_prefix_without_its_patch_is_noticed(self):
        self.assertIn("souvenir-compute:8011 is no headless Service",
                      "\n".join(rules.complaints(render_with([], namePrefix="staging-"))))

    def test_labels_for_all_would_keep_names_from_being_looked_up(self):
        # So docs/operations.md says not to.
        labels = {"commonLabels": {"app.kubernetes.io/instance": "staging"}}
        self.assertIn("cannot look names up",
                      "\n".join(rules.complaints(render_with([], **labels))))

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
