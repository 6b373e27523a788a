"""Runs a client in Node against both services; its tests are in node/client_test.js."""

import os
import shutil
import subprocess
import unittest

import harness
from services import SOURCE_DIRECTORY

TESTS = SOURCE_DIRECTORY / "tests" / "e2e" / "node"


class NodeClientTest(harness.ServicesTest):

    def test_a_client_made_from_the_protos(self):
        shutil.copytree(SOURCE_DIRECTORY / "models", self.services.directory / "models")
        compute, gateway, _ = self.start_both()
        self.assertTrue((TESTS / "node_modules").is_dir(),
                        "the client's packages are missing: run scripts/setup --with test")
        done = subprocess.run(
            ["node", "--test", "--test-reporter=tap", "client_test.js"], cwd=TESTS, capture_output=True, text=True,
            env={**os.environ, "SOUVENIR_COMPUTE": compute.listen,
                 "SOUVENIR_GATEWAY": gateway.listen})
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertRegex(done.stdout, r"# pass [1-9]\d")


if __name__ == "__main__":
    harness.main()
