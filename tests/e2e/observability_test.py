"""Tests health, reflection and metrics of both services."""

import grpc
import harness
from clients import MEMORY, MISS
from metrics import scrape, sum_of

PROCESS_FAMILIES = {"process_cpu_seconds_total": "counter",
                    "process_resident_memory_bytes": "gauge",
                    "process_open_fds": "gauge",
                    "process_start_time_seconds": "gauge"}


class ObservabilityTest(harness.SharedServicesTest):

    gateway_options = {"data_dir": "cache"}

    def test_health_of_the_gateway_and_of_its_parts(self):
        self.assertEqual(self.server.health(), "SERVING")
        self.assertEqual(self.server.health("souvenir.disk"), "SERVING")
        self.assertEqual(self.server.health("apertium-eng-spa"), "SERVING")
        self.assert_unknown_to_health(self.server)
        self.assertEqual(self.connect(self.gateway.admin).health(), "SERVING")

    def test_health_of_compute_and_of_its_models(self):
        compute = self.connect(self.compute.listen)
        self.assertEqual(compute.health(), "SERVING")
        self.assertEqual(compute.health("apertium-eng-spa"), "SERVING")
        self.assert_unknown_to_health(compute)

    def assert_unknown_to_health(self, server):
        with self.assertRaises(grpc.RpcError) as failure:
            server.health("no-such-part")
        self.assertEqual(failure.exception.code(), grpc.StatusCode.NOT_FOUND)

    def test_reflection_lists_what_a_port_offers(self):
        everywhere = {"inference.GRPCInferenceService", "grpc.health.v1.Health",
                      "grpc.reflection.v1alpha.ServerReflection"}
        public = everywhere | {"souvenir.v1.TranslationService", "souvenir.v1.SpeechService",
                               "souvenir.v1.StatsService", "souvenir.v1.TaskService"}
        self.assertEqual(self.server.reflected_services(), public)
        self.assertEqual(self.connect(self.gateway.admin).reflected_services(),
                         public | {"souvenir.v1.CacheService"})
        self.assertEqual(self.connect(self.compute.listen).reflected_services(), everywhere)

    def test_the_gateways_metrics_count_what_it_answers(self):
        def rows():
            _, samples = scrape(self.gateway.metrics)
            counts = {}
            for labels, value in samples.get("souvenir_gateway_lookups_total", []):
                if labels.get("model") == "apertium-eng-spa":
                    counts[labels["kind"]] = counts.get(labels["kind"], 0) + value
            return counts

        before = rows()
        text = "The mountain is far."
        self.assert_translated(self.server.translate_one(text), MISS)
        self.assert_translated(self.server.translate_one(text), MEMORY)
        after = rows()
        grown = {kind: after[kind] - before.get(kind, 0) for kind in after
                 if after[kind] != before.get(kind, 0)}
        self.assertEqual(grown, {"miss": 1, "memory": 1})
        families, samples = scrape(self.gateway.metrics)
        self.assertLessEqual(PROCESS_FAMILIES.items(), families.items())
        self.assert_histograms_are_whole(families, samples)

    def test_computes_metrics_count_what_it_ran(self):
        def rows():
            return sum_of(self.compute.metrics, "souvenir_compute_rows_total",
                          model="apertium-eng-spa")

        before = rows()
        text = "The valley is near."
        for kind in (MISS, MEMORY, MEMORY):
            self.assert_translated(self.server.translate_one(text), kind)
        self.assertEqual(rows(), before + 1)
        families, samples = scrape(self.compute.metrics)
        self.assertLessEqual(PROCESS_FAMILIES.items(), families.items())
        self.assert_histograms_are_whole(families, samples)

    def assert_histograms_are_whole(self, families, samples):
        """Checks that buckets never fall and that the last one is the count."""
        for name in (name for name, kind in families.items() if kind == "histogram"):
            series = {}
            for labels, value in samples.get(f"{name}_bucket", []):
                bound = float(labels.pop("le").replace("+Inf", "inf"))
                series.setdefault(tuple(sorted(labels.items())), []).append((bound, value))
            for labels, count in samples.get(f"{name}_count", []):
                buckets = [value for _, value in sorted(series[tuple(sorted(labels.items()))])]
                self.assertEqual(buckets, sorted(buckets), name)
                self.assertEqual(buckets[-1], count, name)
        self.assertIn("histogram", families.values())


if __name__ == "__main__":
    harness.main()
