"""Tests the rules of deploy/prometheus: Prometheus takes them, each alert fires when it should and
only then, and each has its section in docs/alerts.md."""

import re
import subprocess
import unittest

from documented_metrics import families, metrics_in
from services import SOURCE_DIRECTORY
import yaml

FOLDER = SOURCE_DIRECTORY / "deploy" / "prometheus"
PAGE = SOURCE_DIRECTORY / "docs" / "alerts.md"
RUNBOOK = "docs/alerts.md#"
SEVERITIES = ("critical", "warning")
RECORD = re.compile(r"^[a-z_]+:[a-z_]+:[a-z0-9_]+$")


def rules(name):
    groups = yaml.safe_load((FOLDER / name).read_text(encoding="utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def promtool(*arguments):
    """Returns (exit code, output)."""
    done = subprocess.run(["promtool", *map(str, arguments)], capture_output=True, text=True,
                          check=False, timeout=120)
    return done.returncode, done.stdout + done.stderr


class AlertsTest(unittest.TestCase):

    def setUp(self):
        self.alerts = rules("alerts.yml")
        self.tests = sorted((FOLDER / "tests").glob("*.yml"))

    def assert_promtool(self, *arguments):
        code, said = promtool(*arguments)
        self.assertEqual(code, 0, said)

    def test_prometheus_takes_the_configuration_and_the_rules(self):
        self.assert_promtool("check", "config", FOLDER / "prometheus.yml")
        self.assert_promtool("check", "rules", FOLDER / "rules.yml", FOLDER / "alerts.yml")

    def test_alerts_fire_when_they_should(self):
        self.assertTrue(self.tests)
        self.assert_promtool("test", "rules", *self.tests)

    def test_rules_dashboards_and_log_agree_on_failures(self):
        """The log warns of exactly the codes that KindOf() calls the server's fault."""
        source = (SOURCE_DIRECTORY / "common/error_kind.cc").read_text(encoding="utf-8")
        faults = set()
        for cases, kind in re.findall(r"((?:\s+case absl::StatusCode::\w+:)+)\s+return \{(.*?)\};",
                                      source):
            if "is_servers_fault = true" in kind:
                faults |= {re.sub(r"(?<!^)(?=[A-Z])", "_", code).upper()
                           for code in re.findall(r"StatusCode::k(\w+):", cases)}
        self.assertIn("DEADLINE_EXCEEDED", faults)
        told = (SOURCE_DIRECTORY / "docs/logs.md").read_text(encoding="utf-8").split("- as a warning,")[1]
        told = set(re.findall(r"[A-Z]+(?:_[A-Z]+)*", told.split("These are")[0]))
        self.assertEqual(told - {"OK"}, faults)
        found = 0
        for path in [FOLDER / "rules.yml", *sorted((SOURCE_DIRECTORY / "deploy/grafana").glob("*.json"))]:
            text = path.read_text(encoding="utf-8")
            for codes in re.findall(r'code=~\\?"([A-Z_|]+)', text):
                found += 1
                self.assertEqual(set(codes.split("|")), faults, path.name)
        self.assertGreaterEqual(found, 3)

    def test_no_method_that_answers_is_forgotten(self):
        page = (SOURCE_DIRECTORY / "docs/metrics.md").read_text(encoding="utf-8")
        row = re.search(r"^\| `method` \| `souvenir_gateway_answers_total` \| (.*) \|$", page,
                        re.MULTILINE).group(1)
        methods = set(re.findall(r"`(\w+)`", row))
        self.assertGreater(len(methods), 5)
        slow = next(alert for alert in self.alerts if alert["alert"] == "SouvenirRequestsSlow")
        asked = {method for group in re.findall(r'method=~?"([\w|]+)"', slow["expr"])
                 for method in group.split("|")}
        # As long as their callers listen and send.
        self.assertEqual(asked | {"StreamSynthesize", "StreamTranscribe", "TranslateSpeech"}, methods)
        overview = (SOURCE_DIRECTORY / "deploy/grafana/overview.json").read_text(encoding="utf-8")
        groups = re.findall(r'method[=!]~\\"([\w|]+)', overview)
        self.assertTrue(groups)
        for group in groups:
            self.assertEqual(set(group.split("|")), methods)

    def test_each_alert_is_seen_to_fire_and_not_to(self):
        fires, silent = set(), set()
        for path in self.tests:
            for test in yaml.safe_load(path.read_text(encoding="utf-8"))["tests"]:
                for case in test["alert_rule_test"]:
                    (fires if case["exp_alerts"] else silent).add(case["alertname"])
        names = {alert["alert"] for alert in self.alerts}
        self.assertEqual(fires, names)
        self.assertEqual(silent, names)

    def test_each_alert_says_what_is_needed_at_night(self):
        names = [alert["alert"] for alert in self.alerts]
        self.assertEqual(len(names), len(set(names)))
        headings = re.findall(r"^## (.*)$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
        self.assertEqual(sorted(headings), sorted(names))
        for alert in self.alerts:
            with self.subTest(alert["alert"]):
                self.assertIn(alert["labels"]["severity"], SEVERITIES)
                self.assertEqual(alert["annotations"].keys(), {"summary", "description", "runbook_url"})
                self.assertTrue(all(alert["annotations"].values()))
                self.assertEqual(alert["annotations"]["runbook_url"],
                                 RUNBOOK + alert["alert"].lower())

    def test_links_between_the_sections_lead_somewhere(self):
        text = PAGE.read_text(encoding="utf-8")
        links = re.findall(r"\(#([a-z]+)\)", text)
        self.assertTrue(links)
        self.assertLessEqual(set(links), {alert["alert"].lower() for alert in self.alerts})

    def test_rules_ask_for_what_there_is(self):
        records = [rule["record"] for rule in rules("rules.yml")]
        known = families().keys() | {"up"} | set(records)
        self.assertEqual(len(records), len(set(records)))
        for rule in [*rules("rules.yml"), *self.alerts]:
            with self.subTest(rule.get("record") or rule["alert"]):
                asked = metrics_in(rule["expr"])
                self.assertTrue(asked)
                self.assertLessEqual(asked, known)
        for record in records:
            self.assertRegex(record, RECORD)


if __name__ == "__main__":
    unittest.main()
