"""What must hold between the objects of an overlay. A rule is a function of a Cluster that yields
complaints; RULES has them all."""

import ipaddress
import re
import subprocess

import yaml

from deployment import (AFTER_DRAIN, Dockerfile, KUBERNETES, MIB, check_config,
                        host_and_port, memory_needed, parse_config, project_version, quantity)

WORKLOADS = ("StatefulSet", "Deployment")
# A damaged store is kept beside the new one; and room for the log, at most.
LOG_BYTES = 128 * MIB


class Workload:
    """A StatefulSet or Deployment with one container, and the configuration that it is given."""

    def __init__(self, item, config_maps):
        self.item = item
        self.name = item["metadata"]["name"]
        self.service = self.name.rpartition("souvenir-")[2]  # "gateway" or "compute"
        self.spec = item["spec"]
        self.template = self.spec["template"]
        self.pod = self.template["spec"]
        self.labels = self.template["metadata"]["labels"]
        (self.container,) = self.pod["containers"]
        self.mounts = {mount["mountPath"]: mount["name"]
                       for mount in self.container["volumeMounts"]}
        self.claims = {claim["metadata"]["name"]: claim
                       for claim in self.spec.get("volumeClaimTemplates", [])}
        self.volumes = {volume["name"]: volume for volume in self.pod.get("volumes", [])}
        # Files that the container sees, by path.
        self.files = {}
        for path, name in self.mounts.items():
            config_map = self.volumes.get(name, {}).get("configMap", {}).get("name")
            for key, text in config_maps.get(config_map, {}).items():
                self.files[f"{path}/{key}"] = text
        self.arguments = self.container.get("args", [])
        (config_file,) = [argument.partition("=")[2] for argument in self.arguments
                          if argument.startswith("--config=")]
        self.config = parse_config(self.service, self.files.get(config_file, ""))
        for argument in self.arguments:  # a flag counts more than the file
            if argument.startswith("--compute="):
                self.config.compute_addresses[:] = argument.partition("=")[2].split(",")
        self.ports = {port["name"]: port["containerPort"] for port in self.container["ports"]}

    def __str__(self):
        return f"{self.item['kind']} {self.name}"

    def resource(self, kind, what):
        return quantity(self.container["resources"][kind][what])


class Cluster:

    def __init__(self, objects):
        self.objects = objects
        config_maps = {item["metadata"]["name"]: item["data"] for item in self.all("ConfigMap")}
        self.workloads = [Workload(item, config_maps) for item in self.all(*WORKLOADS)]

    def all(self, *kinds):
        return [item for item in self.objects if item["kind"] in kinds]

    def workload(self, service):
        (found,) = [workload for workload in self.workloads if workload.service == service]
        return found

    def selected(self, labels):
        """The workloads whose pods have these labels."""
        return [workload for workload in self.workloads
                if labels.items() <= workload.labels.items()]

    def services_of(self, workload):
        return [service for service in self.all("Service")
                if self.selected(service["spec"]["selector"]) == [workload]]


def name_of(item):
    return f"{item['kind']} {item['metadata']['name']}"


def selectors(cluster):
    for workload in cluster.workloads:
        if cluster.selected(workload.spec["selector"]["matchLabels"]) != [workload]:
            yield f"{workload}: its selector does not select its pods, and those alone"
        spread = workload.pod["topologySpreadConstraints"]
        if [cluster.selected(c["labelSelector"]["matchLabels"]) for c in spread] != [[workload]]:
            yield f"{workload}: topologySpreadConstraints do not spread its pods"
        budgets = [budget for budget in cluster.all("PodDisruptionBudget")
                   if cluster.selected(budget["spec"]["selector"]["matchLabels"]) == [workload]]
        if [budget["spec"].get("maxUnavailable") for budget in budgets] != [1]:
            yield f"{workload}: no PodDisruptionBudget that lets one of its pods go"
    for service in cluster.all("Service"):
        if len(cluster.selected(service["spec"]["selector"])) != 1:
            yield f"{name_of(service)}: selects not one workload"


def names(cluster):
    # An overlay may leave it to the cluster's administrator.
    namespaces = cluster.all("Namespace")
    wanted = {item["metadata"]["name"] for item in namespaces}
    wanted = wanted or {cluster.workloads[0].item["metadata"].get("namespace")}
    for item in cluster.objects:
        if item not in namespaces and {item["metadata"].get("namespace")} != wanted - {None}:
            yield f"{name_of(item)}: not in the namespace"
    if len({name_of(item) for item in cluster.objects}) < len(cluster.objects):
        yield "an object comes twice"


def ports(cluster):
    for workload in cluster.workloads:
        config = workload.config
        for name, address in (("grpc", config.listen_address), ("metrics", config.metrics_address)):
            if host_and_port(address) != ("0.0.0.0", workload.ports.get(name)):
                yield f"{workload}: listens on {address}, the container's port {name} is another"
        if host_and_port(config.admin_address)[0] != "127.0.0.1":
            yield f"{workload}: the admin port is not on loopback"
        if host_and_port(config.admin_address)[1] in workload.ports.values():
            yield f"{workload}: the admin port is among the container's"
        for service in cluster.services_of(workload):
            for port in service["spec"]["ports"]:
                # The clients of a headless Service go to the pod, past the mapping.
                if workload.ports.get(port["targetPort"]) != port["port"]:
                    yield f"{name_of(service)}: port {port['name']} is not the pod's"
        if not any(port["name"] == "grpc" for service in cluster.services_of(workload)
                   for port in service["spec"]["ports"]):
            yield f"{workload}: no Service has its gRPC port"


def discovery(cluster):
    gateway, compute = cluster.workload("gateway"), cluster.workload("compute")
    headless = {service["metadata"]["name"]: {port["port"] for port in service["spec"]["ports"]}
                for service in cluster.services_of(compute)
                if service["spec"].get("clusterIP") == "None"}
    if not gateway.config.compute_addresses:
        yield f"{gateway}: no compute_addresses"
    for address in gateway.config.compute_addresses:
        name, port = host_and_port(address)
        if port not in headless.get(name, ()) or port != compute.ports["grpc"]:
            yield f"{gateway}: {address} is no headless Service of compute"
    own = [service["metadata"]["name"] for service in cluster.services_of(gateway)
           if service["spec"].get("clusterIP") == "None"]
    if gateway.spec.get("serviceName") not in own:
        yield f"{gateway}: serviceName is no headless Service of it"


def probes(cluster):
    for workload in cluster.workloads:
        for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
            asked = workload.container.get(probe, {}).get("grpc", {}).get("port")
            if asked != workload.ports["grpc"]:
                yield f"{workload}: {probe} does not ask the gRPC port"


def silence(probe):
    """Seconds after which a probe has failed for good."""
    return probe.get("periodSeconds", 10) * probe.get("failureThreshold", 3)


def patience(cluster):
    for workload in cluster.workloads:
        container = workload.container
        if silence(container["livenessProbe"]) <= silence(container["readinessProbe"]):
            yield f"{workload}: is restarted before it is taken out of its Services"
        command = container["lifecycle"]["preStop"]["exec"]["command"]
        if command[0] != "sleep":
            yield f"{workload}: preStop does not wait"
            continue
        needed = int(command[1]) + workload.config.drain_timeout_seconds + AFTER_DRAIN
        if workload.service == "compute":
            needed += workload.config.pool.run_limit_ms / 1000
        if workload.pod["terminationGracePeriodSeconds"] < needed:
            yield f"{workload}: terminationGracePeriodSeconds is below {needed:.0f}"
        # Found again, by name, after `upstream.poll_interval_ms` (2 s) and a cache's few seconds.
        if int(command[1]) < 5:
            yield f"{workload}: preStop is over before its address is out of use"


def volumes(cluster):
    for workload in cluster.workloads:
        there = set(workload.volumes) | set(workload.claims)
        used = set(workload.mounts.values())
        if there != used or len(workload.mounts) != len(workload.container["volumeMounts"]):
            yield f"{workload}: volumes {sorted(there)}, mounts of {sorted(used)}"
        config_maps = {item["metadata"]["name"] for item in cluster.all("ConfigMap")}
        for name, volume in workload.volumes.items():
            if "configMap" in volume and volume["configMap"]["name"] not in config_maps:
                yield f"{workload}: there is no ConfigMap for the volume {name}"
            if not {"configMap", "emptyDir"} & set(volume):
                yield f"{workload}: the volume {name} is neither configuration nor scratch"
        if workload.service != "gateway":
            continue
        claim = workload.claims.get(workload.mounts.get(workload.config.disk.directory))
        if claim is None:
            yield f"{workload}: disk.directory is no volume that stays"
            continue
        storage = quantity(claim["spec"]["resources"]["requests"]["storage"])
        if storage < 2 * (workload.config.disk.limit_bytes + LOG_BYTES):
            yield f"{workload}: two stores of disk.limit_bytes do not fit on the volume"


def memory(cluster):
    for workload in cluster.workloads:
        limit = workload.resource("limits", "memory")
        if not 0 < workload.resource("requests", "memory") <= limit:
            yield f"{workload}: requests more memory than it may have, or none"
        if workload.resource("requests", "cpu") <= 0:
            yield f"{workload}: requests no processor"
        config = workload.config
        if workload.service == "compute":
            if config.memory_budget_bytes > limit * 3 / 4:
                yield f"{workload}: memory_budget_bytes leaves no room in its container"
            if workload.resource("limits", "cpu") < 1:
                yield f"{workload}: has no whole processor"
            continue
        if limit < memory_needed(config):
            yield f"{workload}: needs {memory_needed(config) / MIB:.0f} MiB of memory"


def ephemeral_storage(cluster):
    for workload in cluster.workloads:
        resources = workload.container["resources"]
        if not all("ephemeral-storage" in resources[kind] for kind in ("requests", "limits")):
            yield f"{workload}: says nothing of the node's disk"
            continue
        scratch = sum(quantity(volume["emptyDir"]["sizeLimit"])
                      for volume in workload.volumes.values() if "emptyDir" in volume)
        # Beside it the container's log, which a node keeps to some ten MiB and rotates.
        if workload.resource("limits", "ephemeral-storage") < scratch + 64 * MIB:
            yield f"{workload}: ephemeral-storage is less than its volumes may take"
        if not (0 < workload.resource("requests", "ephemeral-storage")
                <= workload.resource("limits", "ephemeral-storage")):
            yield f"{workload}: requests more ephemeral-storage than it may have, or none"


def service_accounts(cluster):
    accounts = {item["metadata"]["name"]: item for item in cluster.all("ServiceAccount")}
    for workload in cluster.workloads:
        account = accounts.get(workload.pod.get("serviceAccountName"))
        if account is None or account["metadata"]["name"] != workload.name:
            yield f"{workload}: has no ServiceAccount of its own"
        elif account.get("automountServiceAccountToken") is not False:
            yield f"{workload}: its ServiceAccount gives tokens"


def images(cluster):
    stages = Dockerfile.read().stages
    for workload in cluster.workloads:
        name, _, tag = workload.container["image"].rpartition(":")
        if not workload.name.endswith(name) or name.removeprefix("souvenir-") not in stages:
            yield f"{workload}: {name} is no image of the Dockerfile"
        if tag != project_version():
            yield f"{workload}: the image's tag is {tag}"


def security(cluster):
    for namespace in cluster.all("Namespace"):
        labels = namespace["metadata"]["labels"]
        for mode in ("enforce", "audit", "warn"):
            if labels.get(f"pod-security.kubernetes.io/{mode}") != "restricted":
                yield f"the namespace does not {mode} the restricted profile"
        if "pod-security.kubernetes.io/enforce-version" not in labels:
            yield "the namespace enforces whatever the next version of the profile is"
    dockerfile = Dockerfile.read()
    # Either all say who they are, or the cluster does, as OpenShift's.
    chosen = any(field in workload.pod["securityContext"] for workload in cluster.workloads
                 for field in ("runAsUser", "runAsGroup", "fsGroup"))
    for workload in cluster.workloads:
        pod, container = workload.pod["securityContext"], workload.container["securityContext"]
        user, group = dockerfile.user(workload.service) if chosen else (None, None)
        for what, has, wanted in (
                ("runAsNonRoot", pod.get("runAsNonRoot"), True),
                ("runAsUser", pod.get("runAsUser"), user),
                ("runAsGroup", pod.get("runAsGroup"), group),
                ("fsGroup", pod.get("fsGroup"), group if workload.claims else None),
                ("seccompProfile", pod.get("seccompProfile"), {"type": "RuntimeDefault"}),
                ("allowPrivilegeEscalation", container.get("allowPrivilegeEscalation"), False),
                ("readOnlyRootFilesystem", container.get("readOnlyRootFilesystem"), True),
                ("capabilities", container.get("capabilities"), {"drop": ["ALL"]}),
                ("automountServiceAccountToken",
                 workload.pod.get("automountServiceAccountToken"), False)):
            if has != wanted:
                yield f"{workload}: {what} is {has}, not {wanted}"
        for field in ("hostNetwork", "hostPID", "hostIPC"):
            if workload.pod.get(field):
                yield f"{workload}: {field}"


def network_policies(cluster):
    policies = {}
    for policy in cluster.all("NetworkPolicy"):
        spec = policy["spec"]
        labels = spec["podSelector"].get("matchLabels", {})
        if labels:
            selected = cluster.selected(labels)
            if len(selected) != 1:
                yield f"{name_of(policy)}: is for not one workload"
            for workload in selected:
                policies[workload.name] = spec
        elif set(spec["policyTypes"]) != {"Ingress", "Egress"} or {"ingress", "egress"} & set(spec):
            yield f"{name_of(policy)}: does not deny"
    if not any(not policy["spec"]["podSelector"] for policy in cluster.all("NetworkPolicy")):
        yield "no NetworkPolicy denies by default"

    gateway, compute = cluster.workload("gateway"), cluster.workload("compute")
    for workload in cluster.workloads:
        rules = policies.get(workload.name, {}).get("ingress", [])
        opened = {port["port"]: rule.get("from", []) for rule in rules for port in rule["ports"]}
        listened = set(workload.ports.values())
        if set(opened) != listened:
            yield f"{workload}: open are {sorted(opened)}, listened to {sorted(listened)}"
        if not all(opened.values()):
            yield f"{workload}: a port is open for all"
        metrics = opened.get(workload.ports["metrics"], [])
        if any(peer.keys() != {"namespaceSelector"} for peer in metrics):
            yield f"{workload}: metrics are open for more than a namespace"

    def selects(peers, workload):
        return any(workload in cluster.selected(peer.get("podSelector", {}).get("matchLabels", {}))
                   for peer in peers if "namespaceSelector" not in peer)

    port = compute.ports["grpc"]
    for workload, direction, end, other in ((compute, "ingress", "from", gateway),
                                            (gateway, "egress", "to", compute)):
        rules = policies.get(workload.name, {}).get(direction, [])
        if not any(selects(rule.get(end, []), other) for rule in rules
                   if port in [p["port"] for p in rule["ports"]]):
            yield f"{workload}: {direction} does not let the gateway call compute"
    yield from name_servers(gateway, policies.get(gateway.name, {}).get("egress", []))


# Where clusters have their name servers: labels of pods, or an address, and the port that they listen on.
NAME_SERVERS = {
    "the cluster's": ({"k8s-app": "kube-dns"}, 53),
    "OpenShift's": ({"dns.operator.openshift.io/daemonset-dns": "default"}, 5353),
    "NodeLocal DNSCache": ("169.254.20.10", 53),
}
# Not to be reached: who asks it gets the node's credentials.
CLOUD_METADATA = "169.254.169.254"


def reaches(peer, server):
    if "ipBlock" in peer:
        return (isinstance(server, str)
                and ipaddress.ip_address(server) in ipaddress.ip_network(peer["ipBlock"]["cidr"]))
    # Of any namespace, and with no label asked for that it has not.
    return (isinstance(server, dict) and peer.get("namespaceSelector") == {}
            and peer["podSelector"]["matchLabels"].items() <= server.items())


def name_servers(gateway, rules):
    for name, (server, port) in NAME_SERVERS.items():
        for protocol in ("UDP", "TCP"):
            if not any(reaches(peer, server) for rule in rules for peer in rule["to"]
                       if {"port": port, "protocol": protocol} in rule["ports"]):
                yield f"{gateway}: cannot look names up at {name}, {protocol} {port}"
    if any(reaches(peer, CLOUD_METADATA) for rule in rules for peer in rule["to"]):
        yield f"{gateway}: may ask the cloud for credentials"


def autoscaling(cluster):
    rules = yaml.safe_load((KUBERNETES / "adapter" / "values.yaml").read_text())["rules"]["custom"]
    made = {rule["name"]["as"]: rule for rule in rules}
    for scaler in cluster.all("HorizontalPodAutoscaler"):
        target = scaler["spec"]["scaleTargetRef"]
        found = [workload for workload in cluster.workloads
                 if (workload.item["kind"], workload.name) == (target["kind"], target["name"])]
        if not found or found[0].item["apiVersion"] != target["apiVersion"]:
            yield f"{name_of(scaler)}: there is no {target['kind']} {target['name']}"
            continue
        if "replicas" in found[0].spec:
            yield f"{found[0]}: replicas would undo what {name_of(scaler)} does"
        if not 2 <= scaler["spec"]["minReplicas"] <= scaler["spec"]["maxReplicas"]:
            yield f"{name_of(scaler)}: minReplicas"
        for metric in scaler["spec"]["metrics"]:
            name = metric["pods"]["metric"]["name"]
            if name not in made:
                yield f"{name_of(scaler)}: the adapter has no rule for {name}"
            elif not re.fullmatch(made[name]["name"]["matches"],
                                  made[name]["seriesQuery"].partition("{")[0]):
                yield f"{name_of(scaler)}: the adapter's rule for {name} matches another series"


def monitoring(cluster):
    monitors = cluster.all("ServiceMonitor")
    if not monitors:
        return
    for workload in cluster.workloads:
        # Two Services with the port would have each pod scraped twice.
        jobs = [endpoint["relabelings"][0]["replacement"] for monitor in monitors
                for endpoint in monitor["spec"]["endpoints"]
                for service in cluster.services_of(workload)
                if monitor["spec"]["selector"]["matchLabels"].items()
                <= service["metadata"]["labels"].items()
                and endpoint["port"] in [port["name"] for port in service["spec"]["ports"]]]
        if jobs != [workload.name]:
            yield f"{workload}: is scraped as {jobs}"


def configuration(cluster):
    for workload in cluster.workloads:
        if not workload.files:
            yield f"{workload}: no file of a ConfigMap"
            continue
        code, complaint = check_config(workload.service, workload.arguments, workload.files)
        if code != 0:
            yield f"{workload}: {complaint}"


def field_names(cluster):
    """What kubectl itself, which knows the types, does not give back was misspelled. (Kinds without
    pods it does not read that way.)"""
    for workload in cluster.workloads:
        given = yaml.safe_load(yaml.safe_dump(workload.item))
        for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
            # Debian's kubectl does not know them; the rule above reads all that they have.
            given["spec"]["template"]["spec"]["containers"][0].get(probe, {}).pop("grpc", None)
        done = subprocess.run(
            ["kubectl", "set", "serviceaccount", "--local", "-f", "-", "default", "-o", "yaml"],
            input=yaml.safe_dump(given), capture_output=True, text=True, check=False, timeout=60)
        if done.returncode != 0:
            yield f"{workload}: {done.stderr}"
            continue
        for path in lost(given, yaml.safe_load(done.stdout)):
            yield f"{workload}: there is no field {path}"


def lost(given, kept, path=""):
    if isinstance(given, dict):
        for key, value in given.items():
            if key in (kept or {}):
                yield from lost(value, kept[key], f"{path}.{key}")
            elif value:  # what is empty, or false, may be left out
                yield f"{path}.{key}"
    elif isinstance(given, list):
        for number, value in enumerate(given):
            yield from lost(value, kept[number], f"{path}[{number}]")


RULES = (selectors, names, ports, discovery, probes, patience, volumes, memory, ephemeral_storage,
         service_accounts, images, security, network_policies, autoscaling, monitoring, configuration, field_names)


def complaints(objects):
    cluster = Cluster(objects)
    return [complaint for rule in RULES for complaint in rule(cluster)]
