"""The command-line client, as scripts use it."""

import json
import os
import subprocess

import harness
from services import BIN_DIRECTORY, TIME_FACTOR, program

OK, FAILED, USAGE, UNREACHABLE, LATE = range(5)
TEXT = "The house is red."


class CommandLineTest(harness.SharedServicesTest):

    gateway_options = {"data_dir": "cache"}

    def run_cli(self, *arguments, text=None, server=None, admin=None, stdin=None):
        """Returns (exit code, standard output, standard error)."""
        environment = {**os.environ, "SOUVENIR_SERVER": server or self.gateway.listen,
                       "SOUVENIR_ADMIN": admin or self.gateway.admin, "LC_ALL": "C.UTF-8"}
        done = subprocess.run([program("souvenir"), *arguments], env=environment,
                              **({"stdin": stdin} if stdin else {"input": (text or "").encode()}),
                              capture_output=True, timeout=60 * TIME_FACTOR)
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    def json_of(self, *arguments, **more):
        code, out, err = self.run_cli("--json", *arguments, **more)
        self.assertEqual((code, err), (OK, ""))
        return json.loads(out)

    def test_a_text_is_translated_and_then_remembered(self):
        self.json_of("cache", "clear", "--yes")
        code, out, err = self.run_cli("translate", "--from", "en", "--to", "es,gl", TEXT)
        self.assertEqual((code, err), (OK, ""))
        for part in ("La casa es roja.", "A casa é vermella.", "miss"):
            self.assertIn(part, out)
        answer = self.json_of("translate", "--from", "en", "--to", "es", TEXT)
        (translation,) = answer["translations"]
        self.assertEqual(translation["text"], "La casa es roja.")
        self.assertEqual(translation["provenance"]["kind"], "CACHE_KIND_MEMORY")
        # The text comes from standard input, or from words of the command line, which are joined.
        for arguments, text in (((), TEXT + "\n"), (("-",), TEXT), (TEXT.split(), None)):
            answer = self.json_of("translate", "--from", "en", "--to", "es", *arguments,
                                  text=text)
            self.assertEqual(answer["translations"][0]["provenance"],
                             {**answer["translations"][0]["provenance"],
                              "kind": "CACHE_KIND_MEMORY",
                              "key": translation["provenance"]["key"]})
        self.assertEqual(
            self.run_cli("translate", "-q", "--from", "en", "--to", "es", TEXT),
            (OK, "La casa es roja.\n", ""))

    def test_targets_come_in_the_order_asked(self):
        spanish, galician = "La casa es roja.\n", "A casa é vermella.\n"
        for remembered in ("es", "gl"):  # the cached one comes first from the gateway
            self.json_of("cache", "clear", "--yes")
            self.json_of("translate", "--from", "en", "--to", remembered, TEXT)
            self.assertEqual(self.run_cli("translate", "-q", "--from", "en", "--to", "es,gl", TEXT),
                             (OK, spanish + galician, ""))
            self.assertEqual(self.run_cli("translate", "-q", "--from", "en", "--to", "gl,es", TEXT),
                             (OK, galician + spanish, ""))

    def test_the_cache_is_steered(self):
        ask = ("translate", "--from", "en", "--to", "es", "The wind is strong.")
        self.json_of(*ask, "--tag", "release-7")
        key = self.json_of(*ask)["translations"][0]["provenance"]["key"]
        self.assertEqual(self.json_of("cache", "entry", key)["tags"], ["release-7"])
        self.run_cli("cache", "clear", "--tag", "release-7")
        self.assertIn("miss", self.run_cli(*ask)[1])
        self.assertIn("bypass", self.run_cli(*ask, "--cache-control", "no-cache")[1])
        code, _, err = self.run_cli(*ask, "--cache-control", "perhaps")
        self.assertEqual(code, FAILED)
        self.assertIn("perhaps", err)

    def test_any_model_can_be_asked(self):
        self.assertEqual(
            self.run_cli("infer", "apertium-eng-spa", "-q", TEXT), (OK, "La casa es roja.\n", ""))
        code, out, _ = self.run_cli("infer", "apertium-eng-spa", TEXT, server=self.compute.listen)
        self.assertEqual(code, OK)
        self.assertIn("translation BYTES[1,1]\n  La casa es roja.\n", out)
        answer = self.json_of("infer", "apertium-eng-spa", "--data", "-",
                              text='{"text": ["The house is red.", "The river is long."]}')
        (output,) = answer["outputs"]
        self.assertEqual((output["datatype"], output["shape"]), ("BYTES", [2, 1]))
        self.assertEqual(output["data"][0], "La casa es roja.")
        self.assertIn("memory=1", answer["headers"]["souvenir-cache"])
        code, _, err = self.run_cli("infer", "apertium-eng-sap", TEXT)
        self.assertEqual(code, FAILED)
        self.assertIn("did you mean 'apertium-eng-spa'?", err)

    def test_models_are_loaded_and_unloaded(self):
        # The test has a compute service of its own, because other gateways notice an unload and the
        # load after it only when they poll again.
        compute = self.start_compute()
        gateway = self.start_gateway(compute, arguments=[f"--compute_admin={compute.admin}"])
        self.connect_when_ready(gateway)
        for admin in (gateway.admin, compute.admin):
            self.assertEqual(self.run_cli("models", "load", "apertium-en-gl", admin=admin)[0], OK)
            code, out, err = self.run_cli("models", "unload", "apertium-en-gl", admin=admin)
            self.assertEqual((code, err), (OK, ""))
            self.assertIn("Unloaded apertium-en-gl", out)
            self.assertEqual(self.run_cli("models", "load", "apertium-en-gl", admin=admin)[0], OK)
        code, _, err = self.run_cli("models", "load", "apertium-en-lg", admin=gateway.admin)
        self.assertEqual(code, FAILED)
        self.assertIn("did you mean 'apertium-en-gl'?", err)

    def test_a_target_that_fails_makes_the_exit_code(self):
        code, out, err = self.run_cli("translate", "--from", "en", "--to", "es,tlh", TEXT)
        self.assertEqual(code, FAILED)
        self.assertIn("La casa es roja.", out)
        self.assertIn("1 of 2", err)
        code, out, _ = self.run_cli("--json", "translate", "--from", "en", "--to", "tlh", TEXT)
        self.assertEqual(code, FAILED)
        self.assertEqual(json.loads(out)["translations"][0]["status"]["code"], 5)

    def test_languages_and_models_are_listed(self):
        pairs = self.json_of("languages")["pairs"]
        self.assertIn({"source_language": "en", "target_language": "es",
                       "model": "apertium-eng-spa"}, pairs)
        self.assertIn("apertium-eng-spa", self.run_cli("languages")[1])
        models = {model["index"]["name"] for model in self.json_of("models")["models"]}
        self.assertLessEqual({"apertium-eng-spa", "apertium-en-gl", "apertium-fr-es"}, models)
        # Any server of the protocol lists its models.
        code, out, _ = self.run_cli("models", server=self.compute.listen)
        self.assertEqual(code, OK)
        self.assertIn("apertium-eng-spa", out)

    def test_health_is_asked_as_a_probe_asks(self):
        self.assertEqual(self.run_cli("health"), (OK, "SERVING\n", ""))
        self.assertEqual(self.run_cli("health", "souvenir.disk"), (OK, "SERVING\n", ""))
        self.assertEqual(self.json_of("health", server=self.compute.listen),
                         {"status": "SERVING"})
        code, _, err = self.run_cli("health", "no-such-part")
        self.assertEqual(code, FAILED)
        self.assertIn("NOT_FOUND", err)
        self.assertEqual(self.run_cli("health", server="127.0.0.1:1")[0], UNREACHABLE)

    def test_the_cache_can_be_looked_at_and_cleared(self):
        self.json_of("cache", "clear", "--yes")
        answer = self.json_of("translate", "--from", "en", "--to", "es", TEXT)
        key = answer["translations"][0]["provenance"]["key"]
        # Invalidated entries are swept out in the background, so some may be left.
        self.assertGreaterEqual(int(self.json_of("cache", "stats")["memory"]["entries"]), 1)
        self.assertIn("apertium-eng-spa", self.run_cli("cache", "stats")[1])
        self.assertEqual(self.json_of("cache", "entry", key)["key"], key)
        (output,) = self.json_of("cache", "entry", key, "--with-value")["outputs"]
        self.assertEqual(output["data"], ["La casa es roja."])
        self.assertIn("translation BYTES[1,1]\n  La casa es roja.\n",
                      self.run_cli("cache", "entry", key, "--with-value")[1])
        self.json_of("cache", "clear", "--key", key)
        self.assertEqual(self.run_cli("cache", "entry", key)[0], FAILED)
        self.assertEqual(self.run_cli("cache", "clear", "--key", key)[0], FAILED)

    def test_nothing_is_forgotten_by_mistake(self):
        ask = ("translate", "--from", "en", "--to", "es", TEXT)
        self.json_of(*ask)
        for arguments in ((), ("--tenant=",)):
            code, out, err = self.run_cli("cache", "clear", *arguments)
            self.assertEqual((code, out), (USAGE, ""))
            self.assertIn("--yes", err)
        code, out, err = self.run_cli("cache", "clear", "--model", "apertium-eng-sap")
        self.assertEqual((code, out), (FAILED, ""))
        self.assertIn("no model 'apertium-eng-sap' is known (did you mean 'apertium-eng-spa'?)",
                      err)
        self.assertIn("memory", self.run_cli(*ask)[1])

    def test_a_snapshot_warms_another_gateway(self):
        self.run_cli("translate", "--from", "en", "--to", "es,gl", "The house is red.")
        file = self.services.directory / "snapshot"
        code, out, err = self.run_cli("cache", "export", str(file))
        self.assertEqual((code, err), (OK, ""))
        self.assertIn(str(file), out)

        other = self.start_gateway(self.compute)
        self.connect_when_ready(other)
        at_other = ("--admin", other.admin, "--server", other.listen)
        answer = self.json_of("cache", "import", str(file), *at_other)
        self.assertEqual(answer["entries"], answer["taken"])
        answer = self.json_of("translate", "--from", "en", "--to", "es,gl", "The house is red.",
                              *at_other)
        self.assertEqual({translation["provenance"]["kind"]
                          for translation in answer["translations"]}, {"CACHE_KIND_MEMORY"})

        file.write_bytes(file.read_bytes()[:-5])
        code, _, err = self.run_cli("cache", "import", str(file), *at_other)
        self.assertEqual(code, FAILED)
        self.assertIn("cut off", err)

    def test_what_is_wrong_with_the_command_line(self):
        for arguments in ((), ("no-such-command",), ("translate", TEXT),
                          ("translate", "--from", "en", TEXT),
                          ("--timeout", "soon", "languages"),
                          ("cache", "entry", "abc")):
            with self.subTest(arguments=arguments):
                code, out, err = self.run_cli(*arguments)
                self.assertEqual((code, out), (USAGE, ""))
                self.assertTrue(err)

    def test_what_answers_instead_of_a_gateway_is_told_apart(self):
        for server, code, words in (
                (self.gateway.metrics, UNREACHABLE, "HTTP/1"),
                ("127.0.0.1:1", UNREACHABLE, "nothing listens there"),
                (self.compute.listen, FAILED,
                 "has no souvenir.v1.TranslationService; it is souvenir-compute")):
            with self.subTest(server=server):
                got, out, err = self.run_cli("languages", server=server)
                self.assertEqual((got, out), (code, ""), err)
                self.assertIn(words, err)
                self.assertIn("--server HOST:PORT", err)

    def test_programs_tell_version_and_commit(self):
        texts = set()
        workers = sorted(path.name for path in BIN_DIRECTORY.glob("souvenir-worker-*"))
        self.assertIn("souvenir-worker-exec", workers)
        for name in workers:
            usage = subprocess.run([program(name), "--help"], capture_output=True, text=True, check=True)
            self.assertIn("souvenir-compute starts it", usage.stdout)
        for name in ("souvenir", "souvenir-gateway", "souvenir-compute", *workers):
            done = subprocess.run([program(name), "--version"], capture_output=True, text=True,
                                  check=True)
            self.assertRegex(done.stdout,
                             rf"^{name} \d+\.\d+\.\d+( \(commit [0-9a-f]{{12}}(, changed)?\))?\n$")
            texts.add(done.stdout.partition(" ")[2])
        self.assertEqual(len(texts), 1)

    def test_nobody_there(self):
        # Nothing listens on port 1 of loopback.
        code, out, err = self.run_cli("translate", "--from", "en", "--to", "es", TEXT,
                                      server="127.0.0.1:1")
        self.assertEqual((code, out), (UNREACHABLE, ""))
        self.assertIn("127.0.0.1:1", err)

    def test_a_directory_as_standard_input_or_as_a_snapshot(self):
        directory = os.open(self.services.directory, os.O_RDONLY)
        self.addCleanup(os.close, directory)
        for arguments in (("translate", "--from", "en", "--to", "es"), ("cache", "import", "-")):
            with self.subTest(arguments=arguments):
                code, out, err = self.run_cli(*arguments, stdin=directory)
                self.assertEqual((code, out), (FAILED, ""))
                self.assertIn("cannot read standard input: Is a directory", err)
        code, _, err = self.run_cli("cache", "import", str(self.services.directory))
        self.assertEqual(code, FAILED)
        self.assertIn("it is a directory", err)

    def test_an_answer_that_takes_too_long(self):
        long_text = "The old man and the sea are friends, but the wind is strong. " * 900
        code, _, err = self.run_cli("--timeout", "50ms", "translate", "--from", "en", "--to",
                                    "es", text=long_text)
        self.assertEqual(code, LATE, err)


if __name__ == "__main__":
    harness.main()
