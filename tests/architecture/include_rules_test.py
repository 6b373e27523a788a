"""Checks every #include of ours against include_rules.txt, and tests the checker itself."""

import os
import tempfile
import unittest

from include_rules import Rules, RulesError, violations

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))


def our_rules():
    with open(os.path.join(HERE, "include_rules.txt"), encoding="utf-8") as file:
        return Rules(file.read())


class TheTree(unittest.TestCase):
    def test_every_include_is_allowed(self):
        found, looked_at = violations(ROOT, our_rules())
        self.assertGreater(looked_at, 500, "the sources were not found")
        self.assertEqual(found, [], "\n" + "\n".join(found))


class TheRules(unittest.TestCase):
    """The rules that the design relies on, each shown by an include that breaks it."""

    def setUp(self):
        self.rules = our_rules()

    def refused(self, path, header, quoted=True):
        self.assertIsNotNone(self.rules.verdict(path, header, quoted), f"{path} {header}")

    def allowed(self, path, header, quoted=True):
        self.assertIsNone(self.rules.verdict(path, header, quoted), f"{path} {header}")

    def test_common_stands_alone(self):
        self.allowed("common/executor.cc", "common/mutex.h")
        self.allowed("common/executor.cc", "absl/time/time.h")
        self.allowed("common/executor.cc", "sys/socket.h", quoted=False)
        self.refused("common/executor.cc", "cache/entry.h")
        self.refused("common/executor.cc", "common/grpc/status.h")
        self.refused("common/executor.cc", "grpcpp/grpcpp.h", quoted=False)
        self.allowed("common/grpc/status.cc", "grpcpp/support/status.h", quoted=False)

    def test_prometheus_is_for_metrics_alone(self):
        self.allowed("common/metrics/metrics.cc", "prometheus/registry.h", quoted=False)
        for path in ("cache/memory/memory_tier.cc", "gateway/gateway.cc", "compute-service/pool/pool.cc"):
            self.refused(path, "prometheus/registry.h", quoted=False)

    def test_the_cache_knows_no_wire_and_hides_rocksdb(self):
        self.allowed("cache/disk/segment_database.cc", "rocksdb/db.h", quoted=False)
        self.refused("cache/disk/segment_store.h", "rocksdb/db.h", quoted=False)
        self.refused("cache/memory/memory_tier.cc", "rocksdb/db.h", quoted=False)
        self.refused("gateway/gateway.cc", "rocksdb/db.h", quoted=False)
        self.refused("cache/entry_codec.cc", "grpcpp/grpcpp.h", quoted=False)
        self.refused("cache/entry_codec.cc", "google/protobuf/message.h", quoted=False)
        self.refused("cache/entry_codec.cc", "souvenir/v1/cache.pb.h")
        self.refused("cache/entry_codec.cc", "gateway/resolve/resolve.h")
        self.refused("cache/entry_codec.cc", "common/metrics/metrics.h")

    def test_the_services_do_not_know_each_other(self):
        self.refused("gateway/main.cc", "compute-service/pool/pool.h")
        self.refused("gateway/rpc/inference_service.cc", "compute-service/pool/pool.h")
        self.refused("compute-service/main.cc", "gateway/resolve/resolve.h")
        self.refused("compute-service/rpc/inference_service.cc", "cache/entry.h")
        self.refused("cli/main.cc", "gateway/resolve/resolve.h")

    def test_stubs_are_for_those_who_speak_grpc(self):
        header = "inference/grpc_service.grpc.pb.h"
        for path in ("gateway/rpc/a.cc", "gateway/upstream/grpc_a.cc",
                     "compute-service/rpc/a.cc", "cli/a.cc", "tests/integration/a.cc"):
            self.allowed(path, header)
        for path in ("gateway/resolve/a.cc", "gateway/language/a.cc", "gateway/catalog/a.cc",
                     "gateway/upstream/a.cc", "gateway/upstream/upstream.h", "gateway/main.cc",
                     "compute-service/pool/a.cc", "compute-service/backends/a.cc",
                     "compute-service/repository/a.cc", "common/executor.cc"):
            self.refused(path, header)
        for path in ("gateway/resolve/a.cc", "gateway/language/a.cc"):
            self.refused(path, "inference/grpc_service.pb.h")
            self.refused(path, "souvenir/v1/translation.pb.h")
            self.refused(path, "common/oip/message_tensors.h")
        self.allowed("gateway/resolve/a.cc", "gateway/upstream/upstream.h")
        self.refused("gateway/resolve/a.cc", "gateway/upstream/grpc_upstream.h")
        self.allowed("gateway/upstream/grpc_infer_message.cc", "common/oip/message_tensors.h")
        self.refused("gateway/resolve/a.cc", "gateway/rpc/a.h")
        self.refused("gateway/resolve/a.cc", "common/grpc/status.h")

    def test_pools_and_engines(self):
        self.allowed("compute-service/pool/pool.cc", "compute-service/backends/backend.h")
        self.refused("compute-service/pool/pool.cc",
                     "compute-service/backends/apertium/apertium_backend.h")
        self.refused("compute-service/backends/apertium/apertium_backend.cc",
                     "compute-service/pool/pool.h")
        for path in ("compute-service/pool/pool.cc", "compute-service/backends/a/b.cc",
                     "compute-service/workers/a.cc"):
            self.refused(path, "grpcpp/grpcpp.h", quoted=False)
            self.refused(path, "common/grpc/status.h")

    def test_gpl_headers_are_for_workers(self):
        self.allowed("compute-service/backends/apertium/worker/engine.cc",
                     "lttoolbox/fst_processor.h", quoted=False)
        for path in ("compute-service/backends/apertium/apertium_backend.cc",
                     "compute-service/main.cc", "gateway/main.cc", "tests/unit/a_test.cc"):
            self.refused(path, "lttoolbox/fst_processor.h", quoted=False)

    def test_libtorch_is_for_its_backend(self):
        for path in ("compute-service/backends/pytorch/a.cc",
                     "tests/unit/compute-service/backends/pytorch/a_test.cc"):
            self.allowed(path, "torch/csrc/jit/api/module.h", quoted=False)
            self.refused(path, "grpcpp/grpcpp.h", quoted=False)
        for path in ("compute-service/backends/apertium/a.cc", "compute-service/backends/a.h",
                     "compute-service/pool/a.cc", "compute-service/main.cc", "gateway/main.cc",
                     "tests/unit/a_test.cc"):
            for header in ("torch/script.h", "ATen/ATen.h", "c10/core/ScalarType.h"):
                self.refused(path, header, quoted=False)

    def test_nothing_includes_tests(self):
        for path in ("common/clock.cc", "cache/entry.cc", "gateway/main.cc", "cli/main.cc",
                     "compute-service/main.cc"):
            self.refused(path, "tests/fakes/manual_clock.h")
        self.allowed("tests/unit/common/clock_test.cc", "tests/fakes/manual_clock.h")

    def test_a_library_without_a_family_is_refused(self):
        self.refused("cache/entry.cc", "boost/optional.hpp", quoted=False)
        self.refused("cache/entry.cc", "entry.h")


class TheChecker(unittest.TestCase):
    def test_a_planted_violation_is_found_with_its_place(self):
        with tempfile.TemporaryDirectory() as root:
            os.makedirs(os.path.join(root, "cache", "deep"))
            with open(os.path.join(root, "cache", "deep", "a.cc"), "w", encoding="utf-8") as file:
                file.write('#include <vector>\n\n#  include "gateway/resolve/resolve.h"\n'
                           '// #include "cli/table.h"\n')
            found, looked_at = violations(root, our_rules())
        self.assertEqual(looked_at, 2)
        self.assertEqual(len(found), 1)
        self.assertTrue(found[0].startswith("cache/deep/a.cc:3: gateway/resolve/resolve.h: "))

    def test_the_longest_rule_decides_alone_and_a_refusal_wins(self):
        rules = Rules("family absl = absl/*\n"
                      "gateway: common @absl !common/grpc\n"
                      "gateway/rpc: common/grpc\n"
                      "gateway/*.cc: cache\n")
        self.assertIsNone(rules.verdict("gateway/a/b.h", "absl/time/time.h", True))
        self.assertIsNone(rules.verdict("gateway/a/b.h", "common/clock.h", True))
        self.assertIsNotNone(rules.verdict("gateway/a/b.h", "common/grpc/status.h", True))
        self.assertIsNone(rules.verdict("gateway/rpc/b.cc", "common/grpc/status.h", True))
        self.assertIsNotNone(rules.verdict("gateway/rpc/b.cc", "absl/time/time.h", True))
        self.assertIsNone(rules.verdict("gateway/main.cc", "cache/entry.h", True))
        self.assertIsNotNone(rules.verdict("gateway/main.h", "cache/entry.h", True))

    def test_rules_that_cannot_be_read_say_where(self):
        for text in ("cache common", "family absl absl/*", "cache: @nobody", "a: b\na: c"):
            with self.assertRaisesRegex(RulesError, "line [12]"):
                Rules(text)


if __name__ == "__main__":
    unittest.main()
