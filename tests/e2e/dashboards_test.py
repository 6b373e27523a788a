"""Every query of every panel, and every rule, of deploy/ has an answer from a real Prometheus that
scrapes both services under load."""

import itertools
import json
import re
import threading
import unittest

import grpc
import harness
from clients import text_request, translate_request
from documented_metrics import families, metrics_in
from prometheus import Prometheus
from services import SOURCE_DIRECTORY, wait_for
import yaml

FOLDER = SOURCE_DIRECTORY / "deploy" / "grafana"
# The values that Grafana would put in, with the scrape interval of this test.
VARIABLES = {"$__rate_interval": "30s", "$model": ".*"}
LABEL_VALUES = re.compile(r"^label_values\((\w+), (\w+)\)$")


def dashboards():
    """Returns {file name: dashboard}."""
    return {path.name: json.loads(path.read_text(encoding="utf-8"))
            for path in sorted(FOLDER.glob("*.json"))}


def panels(dashboard):
    """Returns the panels that show something."""
    return [panel for panel in dashboard["panels"] if panel["type"] != "row"]


def query_of(target):
    query = target["expr"]
    for name, value in VARIABLES.items():
        query = query.replace(name, value)
    if "$" in query:
        raise AssertionError(f"a variable that is not known: {query}")
    return query


class Traffic:
    """Sends requests of all kinds until it is stopped."""

    def __init__(self, server):
        self._server = server
        self._enough = threading.Event()
        self._failures = []
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def stop(self):
        """Idempotent."""
        self._enough.set()
        self._thread.join()

    def failures(self):
        return list(self._failures)

    def _run(self):
        try:
            for number in itertools.count():
                if self._enough.is_set():
                    return
                self._ask(number)
        except Exception as error:  # pylint: disable=broad-except
            self._failures.append(error)

    def _ask(self, number):
        new = f"The house number {number} is red."
        self._server.translate_one(new)
        for old in range(max(0, number - 5), number):
            self._server.translate_one(f"The house number {old} is red.")
        # Two same requests at once, so that one joins the other's flight, and a request of several
        # rows.
        same = translate_request(f"The sea number {number} is blue.")
        twins = [self._server.translation.Translate.future(same, timeout=60) for _ in range(2)]
        self._server.infer(text_request([f"The hill number {number} is {how}."
                                         for how in ("low", "high", "green")]))
        stream = self._server.inference.ModelStreamInfer(
            iter([text_request([new], id="1")]), timeout=60)
        for answer in [*(twin.result().translations[0].status.code for twin in twins),
                       *(part.error_message for part in stream)]:
            if answer:
                raise AssertionError(answer)
        try:
            self._server.infer(text_request([new], model="no_such_model"))
        except grpc.RpcError:
            pass  # so that there are some that are not OK


class DashboardsTest(harness.ServicesTest):

    def setUp(self):
        super().setUp()
        self.compute, self.gateway, self.server = self.start_both(data_dir="cache")
        self.prometheus = Prometheus(self.services.directory,
                                     {"souvenir-gateway": self.gateway.metrics,
                                      "souvenir-compute": self.compute.metrics})
        self.addCleanup(self.prometheus.stop)

    def test_every_panel_shows_something_under_load(self):
        traffic = Traffic(self.server)
        self.addCleanup(traffic.stop)
        self.wait_for_rules()
        queries = {query_of(target): f"{name}: {panel['title']}"
                   for name, dashboard in dashboards().items()
                   for panel in panels(dashboard) for target in panel["targets"]}
        self.assertGreater(len(queries), 50)
        for name, dashboard in dashboards().items():
            for variable in dashboard["templating"]["list"]:
                if variable["type"] == "query":
                    metric, label = LABEL_VALUES.match(variable["query"]["query"]).groups()
                    queries[f"count by ({label}) ({metric})"] = f"{name}: ${variable['name']}"
        self.wait_for_numbers(queries)
        self.assertEqual(traffic.failures(), [])

    def wait_for_numbers(self, queries):
        """Waits until each query has given a number. `queries` is {query: where it comes from}."""
        left = dict(queries)

        def all_answered():
            for query in list(left):
                if self.prometheus.numbers(query):
                    del left[query]
            return not left

        try:
            wait_for(all_answered, "answers")
        except TimeoutError:
            self.fail("no answer to\n" + "\n".join(f"{who}: {query}" for query, who in left.items()))

    def wait_for_rules(self):
        """Waits until each recorded series has a value and each alert was evaluated."""
        rules = self.prometheus.rules()
        records = [rule["name"] for rule in rules if rule["type"] == "recording"]
        self.assertTrue(records)
        self.wait_for_numbers({record: "rules.yml" for record in records})
        wait_for(lambda: all(rule["health"] != "unknown" for rule in self.prometheus.rules()),
                 "all rules to be looked at")
        for rule in self.prometheus.rules():
            self.assertEqual(rule["health"], "ok", rule.get("lastError"))

    def test_alerts_see_that_compute_is_gone(self):
        def raised():
            return {rule["name"] for rule in self.prometheus.rules()
                    if rule["type"] == "alerting" and rule["state"] != "inactive"}

        wait_for(lambda: len(self.prometheus.query("up == 1")) == 2, "both to be scraped")
        wait_for(lambda: all(rule["health"] == "ok" for rule in self.prometheus.rules()),
                 "all rules to be looked at")
        wait_for(lambda: not raised(), "nothing to be wrong")
        self.compute.kill()
        expected = {"SouvenirServiceDown", "SouvenirComputeDown", "SouvenirEndpointsAway"}
        wait_for(lambda: raised() == expected, "the alerts of a compute service that is gone")


class DashboardFilesTest(unittest.TestCase):

    def test_each_panel_explains_itself(self):
        for name, dashboard in dashboards().items():
            self.assertTrue(panels(dashboard), name)
            for panel in panels(dashboard):
                with self.subTest(dashboard=name, panel=panel["title"]):
                    self.assertTrue(panel["description"].endswith("."))
                    self.assertTrue(panel["fieldConfig"]["defaults"]["unit"])
                    self.assertEqual(panel["datasource"]["uid"], "${datasource}")
                    for target in panel["targets"]:
                        self.assertTrue(target["legendFormat"])
                        self.assertEqual(target["datasource"]["uid"], "${datasource}")

    def test_panels_have_ids_and_places_of_their_own(self):
        for name, dashboard in dashboards().items():
            ids = [panel["id"] for panel in dashboard["panels"]]
            self.assertEqual(len(ids), len(set(ids)), name)
            taken = set()
            for panel in dashboard["panels"]:
                at = panel["gridPos"]
                self.assertLessEqual(at["x"] + at["w"], 24, panel["title"])
                cells = {(x, y) for x in range(at["x"], at["x"] + at["w"])
                         for y in range(at["y"], at["y"] + at["h"])}
                self.assertFalse(cells & taken, f"{name}: {panel['title']} lies over another")
                taken |= cells
        uids = [dashboard["uid"] for dashboard in dashboards().values()]
        self.assertEqual(len(uids), len(set(uids)))

    def test_queries_ask_for_documented_metrics(self):
        for name, dashboard in dashboards().items():
            for panel in panels(dashboard):
                for target in panel["targets"]:
                    with self.subTest(dashboard=name, query=target["expr"]):
                        asked = metrics_in(target["expr"])
                        self.assertTrue(asked)
                        self.assertLessEqual(asked, families().keys() | {"up"})

    def test_provisioning_is_yaml_that_names_each_other(self):
        source = yaml.safe_load((FOLDER / "provisioning/datasources/prometheus.yml").read_text())
        provider = yaml.safe_load((FOLDER / "provisioning/dashboards/souvenir.yml").read_text())
        self.assertEqual([entry["type"] for entry in source["datasources"]], ["prometheus"])
        self.assertEqual([entry["type"] for entry in provider["providers"]], ["file"])


if __name__ == "__main__":
    harness.main()
