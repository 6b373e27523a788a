"""deploy/envoy/envoy.yaml has the gateway's port and names. Envoy itself, which Debian has not, reads it
only where it is installed."""

import re
import shutil
import subprocess
import unittest

import yaml

from deployment import DEPLOY, SOURCE_DIRECTORY, documented_defaults, host_and_port

PATH = DEPLOY / "envoy" / "envoy.yaml"


def found(value, key):
    """All that stand under `key`, however deep."""
    if isinstance(value, dict):
        for name, inner in value.items():
            if name == key:
                yield inner
            yield from found(inner, key)
    elif isinstance(value, list):
        for inner in value:
            yield from found(inner, key)


class EnvoyTest(unittest.TestCase):

    def setUp(self):
        self.text = PATH.read_text(encoding="utf-8")
        self.config = yaml.safe_load(self.text)

    def test_it_calls_the_public_port_alone(self):
        (cluster,) = self.config["static_resources"]["clusters"]
        addresses = {(a["address"], a["port_value"]) for a in found(cluster, "socket_address")}
        config = documented_defaults("gateway")
        self.assertEqual(addresses, {host_and_port(config.listen_address)})
        admin = (config.admin_address, documented_defaults("compute").admin_address)
        for address in admin:
            self.assertNotIn(str(host_and_port(address)[1]), re.findall(r"\d+", self.text))
        names = {cluster["name"], cluster["load_assignment"]["cluster_name"]}
        self.assertEqual({*found(self.config["static_resources"]["listeners"], "cluster")}, names)

    def test_clients_are_known_and_say_nothing_of_tenants_themselves(self):
        listeners = self.config["static_resources"]["listeners"]
        self.assertEqual([*found(listeners, "require_client_certificate")], [True])
        self.assertEqual([*found(listeners, "alpn_protocols")], [["h2"]])
        ((header,),) = found(listeners, "request_headers_to_add")
        self.assertEqual(header["append_action"], "OVERWRITE_IF_EXISTS_OR_ADD")
        page = (SOURCE_DIRECTORY / "docs" / "configuration.md").read_text(encoding="utf-8")
        self.assertIn(f"`{header['header']['key']}`", page)

    def test_streams_last(self):
        self.assertEqual([*found(self.config, "timeout")][0], "0s")
        self.assertEqual([*found(self.config, "codec_type")], ["HTTP2"])
        self.assertTrue([*found(self.config, "grpc_health_check")])

    def test_envoy_reads_it(self):
        if shutil.which("envoy") is None:
            self.skipTest("there is no envoy")
        done = subprocess.run(["envoy", "--mode", "validate", "-c", PATH], check=False,
                              capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
