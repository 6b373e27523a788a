"""The Python client (clients/python) against both services: translations, models, the cache, and
jobs of every shape."""

import asyncio
import os
import re
import shutil
import socket
import subprocess
import sys
import threading

from services import SOURCE_DIRECTORY, STUBS_DIRECTORY, TIME_FACTOR, wait_for

# A build copies the package to the generated modules. The tests take the source, which must come
# first in the path before anything imports one of the modules.
CLIENT = SOURCE_DIRECTORY / "clients" / "python"
sys.path.insert(0, str(CLIENT))

import harness  # noqa: E402
import souvenir  # noqa: E402
from inference import grpc_service_pb2 as oip  # noqa: E402
from souvenir.v1 import task_service_pb2, task_service_pb2_grpc  # noqa: E402

MODELS = ("sum_of_squares", "primes", "text_stats", "simple")
SECONDS = 60 * TIME_FACTOR
TOO_LARGE = 2 ** 62  # its square does not fit into 64 bits, which the model refuses
# A search for primes that takes a while.
FIRST, WIDTH = 10 ** 11, 3_000_000


def python_models(page):
    """Returns the model of docs/backends/exec.md: (config.pbtxt, model.py)."""
    text = (SOURCE_DIRECTORY / "docs" / "backends" / page).read_text(encoding="utf-8")
    return (re.search(r"```textproto model\n(.*?)```", text, re.DOTALL)[1],
            re.search(r"```python\n(.*?)```", text, re.DOTALL)[1])


class ClientTest(harness.ServicesTest):
    """Starts both services with a task store, and a client."""

    def setUp(self):
        super().setUp()
        models = self.services.directory / "models"
        for model in MODELS:
            shutil.copytree(SOURCE_DIRECTORY / "models" / model, models / model)
        config, program = python_models("exec.md")
        (models / "shout" / "1").mkdir(parents=True)
        (models / "shout" / "config.pbtxt").write_text(config, encoding="utf-8")
        (models / "shout" / "1" / "model.py").write_text(program, encoding="utf-8")
        self.compute = self.start_compute()
        self.gateway = self.start_with_store()
        self.client = self.make_client()
        self.squares = self.client.model("sum_of_squares")
        self.primes = self.client.model("primes")

    def start_with_store(self, listen="127.0.0.1:0"):
        directory = self.services.directory / "tasks"
        gateway = self.start_gateway(
            self.compute, data_dir="cache", listen=listen,
            arguments=[f"--compute_admin={self.compute.admin}"],
            config=f'trust_tenant_header: true tasks {{ directory: "{directory}" }}')
        self.connect_when_ready(gateway)
        return gateway

    def make_client(self, **options):
        client = souvenir.Client(self.gateway.listen, admin=self.gateway.admin, timeout=SECONDS,
                                 **options)
        self.addCleanup(client.close)
        return client

    def jobs(self):
        """Returns the jobs that the gateway has."""
        stub = task_service_pb2_grpc.TaskServiceStub(self.connect(self.gateway.listen).channel)
        return list(stub.ListJobs(task_service_pb2.ListJobsRequest(), timeout=SECONDS).jobs)

    def load(self, model, wanted=True):
        """Loads a model anew, or unloads it."""
        admin = self.connect(self.gateway.admin).inference
        if wanted:
            admin.RepositoryModelLoad(oip.RepositoryModelLoadRequest(model_name=model),
                                      timeout=SECONDS)
        else:
            admin.RepositoryModelUnload(oip.RepositoryModelUnloadRequest(model_name=model),
                                        timeout=SECONDS)

    def slow_parts(self, count):
        return [self.primes.s(FIRST=FIRST + i * WIDTH, LAST=FIRST + (i + 1) * WIDTH - 1)["COUNT"]
                for i in range(count)]


class CallsTest(ClientTest):

    def test_translations_tell_where_they_came_from(self):
        first = self.client.translate("Good morning", to="es", source="en")
        self.assertEqual((first.language, first.kind, first.error), ("es", "miss", None))
        self.assertEqual(first.text, harness.engine_output("eng-spa", "Good morning"))
        again = self.client.translate("Good morning", ["es", "gl"], "en")
        self.assertEqual([(one.language, one.kind) for one in again],
                         [("es", "memory"), ("gl", "miss")])
        self.assertEqual((again[0].text, again[0].key), (first.text, first.key))

    def test_a_language_that_is_not_there_is_an_error_of_its_own(self):
        good, bad = self.client.translate("Hello", ["es", "tlh"], "en")
        self.assertIsNone(good.error)
        self.assertIsInstance(bad.error, souvenir.Error)
        with self.assertRaises(souvenir.Error) as failure:
            self.client.translate("Hello", "tlh", "en")
        self.assertEqual(str(failure.exception), str(bad.error))
        with self.assertRaises(souvenir.InvalidArgument):
            self.client.translate("Hello", "es", "")

    def test_the_cache_is_steered(self):
        only = souvenir.CacheControl(only_if_cached=True)
        with self.assertRaises(souvenir.FailedPrecondition):
            self.client.translate("One", "es", "en", cache=only)
        self.client.translate("One", "es", "en", cache=souvenir.CacheControl(no_store=True))
        with self.assertRaises(souvenir.FailedPrecondition):
            self.client.translate("One", "es", "en", cache=only)
        self.client.translate("One", "es", "en")
        self.assertEqual(self.client.translate("One", "es", "en", cache=only).kind, "memory")
        anew = self.client.translate("One", "es", "en", cache=souvenir.CacheControl(no_cache=True))
        self.assertEqual(anew.kind, "bypass")
        young = souvenir.CacheControl(max_age=3600)
        self.assertEqual(self.client.infer("sum_of_squares", {"VALUES": [1]}, cache=young)
                         .provenance.rows, {"miss": 1})
        self.assertEqual(self.client.infer("sum_of_squares", {"VALUES": [1]}, cache=young)
                         .provenance.rows, {"memory": 1})

    def test_entries_are_shown_and_forgotten_on_the_admin_address(self):
        tagged = souvenir.CacheControl(tags=["release-7"])
        key = self.client.translate("Two", "es", "en", cache=tagged).key
        entry = self.client.entry(key)
        self.assertEqual((entry.key, entry.tier, entry.model, entry.tags, entry.refusal),
                         (key, "memory", "apertium-eng-spa", ("release-7",), None))
        self.assertTrue(self.client.invalidate(key=key))
        with self.assertRaises(souvenir.NotFound):
            self.client.entry(key)
        self.assertFalse(self.client.invalidate(model="nobody"))
        self.client.translate("Two", "es", "en", cache=tagged)
        self.assertIsNone(self.client.invalidate(tag="release-7"))
        with self.assertRaises(souvenir.NotFound):
            self.client.entry(key)
        with self.assertRaisesRegex(souvenir.InvalidArgument, "key, tag came"):
            self.client.invalidate(key=key, tag="release-7")
        with self.assertRaisesRegex(souvenir.InvalidArgument, "none came"):
            self.client.invalidate()

    def test_a_model_is_asked_with_lists_and_texts(self):
        result = self.squares(VALUES=[1, 2, 3])
        self.assertEqual((result.item(), result["SUM"].shape), (14, (1, 1)))
        self.assertEqual(result.provenance.rows, {"miss": 1})
        self.assertEqual(self.client.entry(result.provenance.key).model, "sum_of_squares")
        self.assertEqual(self.squares(VALUES=[[1, 2], [3, 4]]).tolist(), [[5], [25]])
        words = self.client.infer("text_stats", {"TEXT": ["one two", "three"]}, outputs=["WORDS"])
        self.assertEqual(words["WORDS"].tolist(), [[2], [1]])
        self.assertEqual(list(words.outputs), ["WORDS"])
        self.assertEqual(self.client.model("shout")(TEXT="später").texts(), ["SPÄTER"])
        self.assertEqual(self.primes(FIRST=1, LAST=10)["PRIMES"].tolist(), [2, 3, 5, 7])
        with self.assertRaisesRegex(souvenir.InvalidArgument, "several outputs"):
            self.primes(FIRST=1, LAST=10).item()

    def test_wrong_inputs_are_named(self):
        for inputs, part in (({"VALUE": [1]}, "no input 'VALUE'; it has VALUES"),
                             ({"VALUES": ["x"]}, "'x' is no INT64"),
                             ({"VALUES": [2 ** 63]}, "is no INT64"),
                             ({"VALUES": [[1], [2, 3]]}, "same length"),
                             ({}, "VALUES")):
            with self.subTest(inputs), self.assertRaisesRegex(souvenir.InvalidArgument, part):
                self.client.infer("sum_of_squares", inputs)
        with self.assertRaisesRegex(souvenir.NotFound, "sum_of_squares"):
            self.client.infer("sum_of_square", {"VALUES": [1]})

    def test_arrays_of_numpy(self):
        try:
            import numpy
        except ImportError:
            self.fail("numpy is missing: run scripts/setup --with test")
        result = self.squares(VALUES=numpy.array([[1, 2], [3, 4]], dtype=numpy.int32))
        self.assertEqual(result.numpy().dtype, numpy.int64)
        self.assertEqual(numpy.asarray(result["SUM"]).tolist(), [[5], [25]])
        first = numpy.arange(16)
        both = self.client.infer("simple", {"INPUT0": first, "INPUT1": first[::-1]})
        self.assertEqual(both["OUTPUT0"].numpy().tolist(), [[15] * 16])
        self.assertEqual(both["OUTPUT1"].numpy().dtype, numpy.int32)
        with self.assertRaisesRegex(souvenir.InvalidArgument, "do not fit INT32"):
            self.client.infer("simple", {"INPUT0": first + 2 ** 40, "INPUT1": first})
        with self.assertRaisesRegex(souvenir.InvalidArgument, "float64 is no INT64"):
            self.squares(VALUES=numpy.array([1.5]))
        loud = self.client.model("shout")(TEXT=numpy.array(["a", "b"]))
        self.assertEqual(loud.numpy().tolist(), [[b"A"], [b"B"]])

    def test_statistics(self):
        self.squares(VALUES=[1])
        self.squares(VALUES=[1])
        stats = self.client.stats()
        self.assertEqual(stats.models["sum_of_squares"].lookups, {"miss": 1, "memory": 1})
        self.assertGreater(stats.memory.entries, 0)
        self.assertIsNotNone(stats.disk)

    def test_a_model_that_has_changed_is_described_anew(self):
        shout = self.client.model("shout")
        self.assertEqual(shout(TEXT="a").texts(), ["A"])
        folder = self.services.directory / "models" / "shout"
        config = (folder / "config.pbtxt").read_text().replace('"TEXT"', '"PHRASE"')
        (folder / "config.pbtxt").write_text(config)
        program = (folder / "1" / "model.py").read_text().replace('"TEXT"', '"PHRASE"')
        (folder / "1" / "model.py").write_text(program)
        self.load("shout")

        def answers():
            try:
                return shout(PHRASE="b").texts() == ["B"]
            except souvenir.InvalidArgument:
                return False

        wait_for(answers, "the client to learn the new input")

    def test_nobody_there_is_unavailable(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))  # nobody listens
            port = taken.getsockname()[1]
            with souvenir.Client(f"127.0.0.1:{port}", timeout=SECONDS) as lost:
                with self.assertRaises(souvenir.Unavailable):
                    lost.translate("Hello", "es", "en")
                with self.assertRaises(souvenir.Unavailable):
                    lost.model("sum_of_squares").delay(VALUES=[1])


class JobsTest(ClientTest):

    def test_a_step_a_chain_and_its_operator(self):
        job = self.squares.delay(VALUES=[1, 2])
        self.assertEqual(job.get(SECONDS).item(), 5)
        self.assertTrue(job.ready() and job.successful() and not job.failed())
        self.assertEqual(job.status, "SUCCEEDED")
        three = souvenir.chain(self.squares.s(VALUES=[2]), self.squares.s(), self.squares.s())
        self.assertEqual(three.delay().get(SECONDS).item(), 2 ** 8)
        two = self.squares.s(VALUES=[2]) | self.squares.s()
        self.assertEqual(two.delay().get(SECONDS).item(), 16)

    def test_an_output_is_chosen_and_takes_the_shape_of_the_input(self):
        count = self.primes.s(FIRST=1, LAST=100)["COUNT"] | self.squares.s()
        self.assertEqual(count.delay().get(SECONDS).item(), 25 ** 2)
        listed = self.primes.s(FIRST=1, LAST=10)["PRIMES"] | self.squares.s()
        self.assertEqual(listed.delay().get(SECONDS).item(), 4 + 9 + 25 + 49)
        self.assertEqual((self.primes.s(FIRST=1, LAST=10) | self.squares.s(
            VALUES=souvenir.previous("COUNT"))).delay().get(SECONDS).item(), 16)
        with self.assertRaisesRegex(souvenir.InvalidArgument, "the outputs PRIMES, COUNT"):
            (self.primes.s(FIRST=1, LAST=10) | self.squares.s()).delay()

    def test_a_group_keeps_its_order(self):
        job = souvenir.group(self.squares.s(VALUES=[i]) for i in range(20)).delay()
        self.assertEqual([result.item() for result in job.get(SECONDS)],
                         [i * i for i in range(20)])
        small = souvenir.group(self.squares.s(VALUES=[3]), self.primes.s(FIRST=1, LAST=10)).delay()
        first, second = small.get(SECONDS)
        self.assertEqual((first.item(), second["COUNT"].item()), (9, 4))

    def test_a_chord(self):
        chord = souvenir.chord(self.squares.map(VALUES=[[1, 2], [3, 4]]), self.squares.s())
        self.assertEqual(chord.delay().get(SECONDS).item(), 25 + 625)
        one = souvenir.chord([self.squares.s(VALUES=[2])], self.squares.s())
        self.assertEqual(one.delay().get(SECONDS).item(), 16)
        rows = souvenir.chord(self.squares.map(VALUES=[1, 2]),
                              self.squares.s(VALUES=souvenir.previous(reshape=())))
        self.assertEqual(rows.delay().get(SECONDS).tolist(), [[1], [16]])

    def test_map_in_chunks(self):
        texts = [f"word number {i}" for i in range(10)]
        job = self.client.model("text_stats").map(TEXT=texts, chunk=4).delay()
        sizes = [result["WORDS"].shape[0] for result in job.get(SECONDS)]
        self.assertEqual(sizes, [4, 4, 2])
        shout = self.client.model("shout")
        self.assertEqual([result.texts() for result in shout.map(TEXT=["a", "b"]).delay()
                         .get(SECONDS)], [["A"], ["B"]])
        in_step = self.primes.map(FIRST=[1, 11], LAST=[10, 20]).delay()
        self.assertEqual([result["COUNT"].item() for result in in_step.get(SECONDS)], [4, 4])

    def test_shapes_nest(self):
        inner = souvenir.chord(self.squares.map(VALUES=[1, 2]), self.squares.s())
        outer = souvenir.group(inner, souvenir.group(self.squares.s(VALUES=[2]), inner),
                               self.squares.s(VALUES=[3]) | self.squares.s())
        first, (second, third), fourth = outer.delay().get(SECONDS)
        self.assertEqual([one.item() for one in (first, second, third, fourth)], [17, 4, 17, 81])
        # A group after a step: each member takes its result. A step after a group takes all.
        fan = self.squares.s(VALUES=[2]) | souvenir.group(self.squares.s(), self.squares.s())
        self.assertEqual((fan | self.squares.s()).delay().get(SECONDS).item(), 2 * 16 ** 2)
        twice = souvenir.chord([inner, inner], self.squares.s())
        self.assertEqual(twice.delay().get(SECONDS).item(), 2 * 17 ** 2)

    def test_a_step_that_only_waits(self):
        job = souvenir.chain(self.squares.s(VALUES=[1]).set(id="first"),
                             self.squares.si(VALUES=[5]).set(id="second")).delay()
        self.assertEqual(job.get(SECONDS).item(), 25)
        self.assertEqual(job.step("first").item(), 1)
        with self.assertRaisesRegex(souvenir.InvalidArgument, "use si"):
            souvenir.chain(self.squares.s(VALUES=[1]), self.squares.s(VALUES=[5])).delay()

    def test_what_is_wrong_is_refused_before_anything_runs(self):
        other = self.make_client()
        for wrong, part in (
                (self.squares.s(), "needs the input 'VALUES'"),
                (self.squares.s(VALUE=[1]), "no input 'VALUE'"),
                (self.squares.s(VALUES=[1]).set(queue="No!"), "queue"),
                (self.squares.s(VALUES=[1]).set(priority=11), "priority"),
                (souvenir.group(self.squares.s(VALUES=[1]).set(id="a"),
                                self.squares.s(VALUES=[1]).set(id="a")), "came before"),
                (souvenir.group(self.squares.s(VALUES=[1]),
                                other.model("primes").s(FIRST=1, LAST=2)), "another client")):
            with self.subTest(part), self.assertRaisesRegex(souvenir.InvalidArgument, part):
                wrong.delay()
        with self.assertRaisesRegex(souvenir.NotFound, "nothing_such"):
            self.client.model("nothing_such").delay(X=1)
        with self.assertRaises(TypeError):
            self.squares.s(VALUES=[1]).apply_async(nmae="typo")
        self.assertEqual(self.jobs(), [])

    def test_a_failure_ends_the_job(self):
        bad = self.squares.s(VALUES=[TOO_LARGE]).set(id="bad")
        job = souvenir.group(bad, self.squares.s(VALUES=[1]).set(countdown=3600)).delay()
        with self.assertRaisesRegex(souvenir.TaskFailed, "does not fit") as failure:
            job.get(SECONDS)
        self.assertEqual((failure.exception.code.name, failure.exception.job_id,
                          failure.exception.step), ("INVALID_ARGUMENT", job.id, "bad"))
        self.assertTrue(job.failed())
        values = job.get(SECONDS, propagate=False)
        self.assertEqual([value.step for value in values], ["bad", "1"])
        self.assertIn("skipped", values[1].message)
        (letter,) = job.dead_letters()
        self.assertEqual((letter.step, letter.reason, letter.attempts), ("bad", "PERMANENT", 1))

    def test_what_can_still_run_runs(self):
        job = souvenir.group(
            self.squares.s(VALUES=[TOO_LARGE]), self.squares.s(VALUES=[2]),
            self.squares.s(VALUES=[TOO_LARGE]) | self.squares.s()).apply_async(run_all=True)
        failed, good, skipped = job.get(SECONDS, propagate=False)
        self.assertEqual(good.item(), 4)
        self.assertIsInstance(failed, souvenir.TaskFailed)
        self.assertEqual(skipped.code.name, "FAILED_PRECONDITION")
        progress = job.progress()
        self.assertEqual((progress.total, progress.succeeded, progress.failed, progress.skipped,
                          progress.done, progress.fraction), (4, 1, 2, 1, 4, 1.0))
        members = {member.position: member for member in job.as_completed(SECONDS)}
        self.assertEqual({position: member.state for position, member in members.items()},
                         {0: "FAILED", 1: "SUCCEEDED", 2: "SKIPPED"})
        self.assertEqual(members[1].get().item(), 4)
        with self.assertRaises(souvenir.TaskFailed):
            members[0].get()

    def test_a_step_that_hears_of_failures(self):
        told = self.client.model("shout").s().set(id="told")
        job = self.squares.s(VALUES=[TOO_LARGE]).apply_async(link_error=told, name="doomed")
        with self.assertRaises(souvenir.TaskFailed):
            job.get(SECONDS)
        self.assertIn('"DOOMED"', job.step("told").texts()[0])

    def test_what_failed_runs_again(self):
        self.assertEqual(self.client.model("shout").delay(TEXT="a").get(SECONDS).texts(), ["A"])
        self.load("shout", wanted=False)
        job = souvenir.group(
            self.client.model("shout").s(TEXT="b").set(max_unavailable=0),
            self.squares.s(VALUES=[2])).apply_async(run_all=True)
        with self.assertRaises(souvenir.TaskFailed):
            job.get(SECONDS)
        self.load("shout")

        def again():
            job.retry()
            try:
                return job.get(SECONDS)
            except souvenir.TaskFailed:
                return None

        loud, four = wait_for(again, "the model to be back")
        self.assertEqual((loud.texts(), four.item()), (["B"], 4))

    def test_revoke(self):
        waits = self.squares.s(VALUES=[1]).set(countdown=3600) | self.squares.s()
        job = waits.delay()
        self.assertEqual((job.status, job.ready()), ("RUNNING", False))
        job.revoke()
        with self.assertRaises(souvenir.TaskRevoked):
            job.get(SECONDS)
        self.assertEqual(job.status, "CANCELLED")
        job.revoke()  # which is no error
        long = souvenir.group(self.slow_parts(100)).delay()
        wait_for(lambda: long.progress().running > 0, "a step to run")
        long.revoke()
        self.assertTrue(any(isinstance(value, souvenir.TaskRevoked)
                            for value in long.get(SECONDS, propagate=False)))
        self.assertEqual(long.status, "CANCELLED")

    def test_a_wait_that_is_too_long_leaves_the_job_alone(self):
        job = self.squares.s(VALUES=[7]).set(countdown=1.5).delay()
        with self.assertRaisesRegex(TimeoutError, f"job {job.id} has not ended within 0.1 s"):
            job.get(timeout=0.1)
        with self.assertRaises(souvenir.DeadlineExceeded):
            next(job.as_completed(timeout=0))
        self.assertEqual(job.get(SECONDS).item(), 49)
        # The id is enough, for another client too.
        self.assertEqual(self.make_client().job(job.id).get(SECONDS).item(), 49)
        with self.assertRaises(souvenir.NotFound):
            self.client.job("nothing-such").get(SECONDS)

    def test_queues_are_paused_and_limited(self):
        self.client.pause_queue("mail")
        self.client.limit_queue("mail", 3)
        job = self.squares.s(VALUES=[6]).set(queue="mail", priority=5).delay()
        wait_for(lambda: self.client.queues()["mail"].ready == 1, "the step to be ready")
        queue = self.client.queues()["mail"]
        self.assertEqual((queue.paused, queue.max_running, queue.running), (True, 3, 0))
        self.assertFalse(job.ready())
        self.assertFalse(self.client.resume_queue("mail").paused)
        self.assertEqual(job.get(SECONDS).item(), 36)

    def test_keys_make_one_job_of_two(self):
        step = self.squares.s(VALUES=[3])
        first, second = (step.apply_async(idempotency_key="k") for _ in range(2))
        self.assertEqual(first.id, second.id)
        self.assertNotEqual(step.delay().id, step.delay().id)
        waits = step.set(countdown=3600)
        waits.apply_async(uniqueness_key="one")
        with self.assertRaises(souvenir.AlreadyExists):
            waits.apply_async(uniqueness_key="one")

    def test_tenants_do_not_see_each_other(self):
        job = self.make_client(tenant="acme").model("sum_of_squares").delay(VALUES=[1])
        self.assertEqual(job.get(SECONDS).item(), 1)
        with self.assertRaises(souvenir.NotFound):
            self.client.job(job.id).get(SECONDS)

    def test_ten_thousand_side_by_side_and_a_long_chain(self):
        count = 10_000
        header = self.squares.map(VALUES=range(count))
        job = header.delay()
        self.assertEqual([result.item() for result in job.get(SECONDS)],
                         [i * i for i in range(count)])
        self.assertEqual(sorted(member.position for member in job.as_completed(SECONDS)),
                         list(range(count)))
        small = souvenir.chord(self.squares.map(VALUES=[[i % 7] for i in range(count)]),
                               self.squares.s())
        self.assertEqual(small.delay().get(SECONDS).item(), sum((i % 7) ** 4 for i in range(count)))
        links = souvenir.chain([self.squares.s(VALUES=[1]), *[self.squares.s()] * 1999])
        self.assertEqual(links.delay().get(SECONDS).item(), 1)

    def test_a_large_result_comes_by_itself(self):
        # 9,592 primes below 100,000 are 77 kB, more than comes with an event.
        many = souvenir.group(self.primes.s(FIRST=1, LAST=100_000 - i) for i in range(9)).delay()
        self.assertEqual(many.get(SECONDS)[0]["PRIMES"].shape, (9592,))
        (member,) = self.primes.s(FIRST=1, LAST=100_000).delay().as_completed(SECONDS)
        self.assertEqual(member.get()["COUNT"].item(), 9592)


class GatewayLossTest(ClientTest):

    def setUp(self):
        super().setUp()
        # The port must be known before, because the client keeps it.
        self.listen = self.gateway.listen

    def in_background(self, work):
        """Runs `work`; returns a function that waits for its value. Services must be started on
        the main thread."""
        outcome = {}

        def run():
            try:
                outcome["value"] = work()
            except BaseException as error:  # pylint: disable=broad-except
                outcome["error"] = error

        thread = threading.Thread(target=run, daemon=True)
        thread.start()

        def value():
            thread.join(2 * SECONDS)
            if "error" in outcome:
                raise outcome["error"]
            self.assertIn("value", outcome, "it still waits")
            return outcome["value"]

        return value

    def test_a_wait_goes_on_after_the_gateway_was_killed(self):
        parts = self.slow_parts(12)
        job = souvenir.chord(parts, self.squares.s().set(id="body")).delay()
        group = souvenir.group(parts).delay()
        first = threading.Event()

        def completed():
            positions = []
            for member in group.as_completed(SECONDS):
                positions.append(member.position)
                first.set()
            return positions

        total = self.in_background(lambda: job.get(SECONDS).item())
        positions = self.in_background(completed)
        self.assertTrue(first.wait(SECONDS))
        self.gateway.kill()
        self.start_with_store(self.listen)
        counts = [result["COUNT"].item() for result in group.get(SECONDS)]
        self.assertEqual(total(), sum(count * count for count in counts))
        self.assertEqual(sorted(positions()), list(range(12)), "each ends once")

    def test_a_wait_goes_on_after_the_gateway_was_stopped(self):
        job = (self.squares.s(VALUES=[3]).set(countdown=3) | self.squares.s()).delay()
        value = self.in_background(lambda: job.get(SECONDS).item())

        async def awaited():
            async with souvenir.aio.Client(self.listen, timeout=SECONDS) as client:
                return (await client.job(job.id).get(SECONDS)).item()

        other = self.in_background(lambda: asyncio.run(awaited()))
        wait_for(lambda: job.progress().waiting == 2, "the job")
        self.assertEqual(self.gateway.terminate(), 0)
        self.start_with_store(self.listen)
        self.assertEqual((value(), other()), (81, 81))

    def test_a_submission_is_sent_again(self):
        self.squares(VALUES=[1])  # the model is known
        self.gateway.kill()
        submitted = self.in_background(lambda: self.squares.delay(VALUES=[9]))
        self.start_with_store(self.listen)
        self.assertEqual(submitted().get(SECONDS).item(), 81)
        self.assertEqual(len(self.jobs()), 1)

    def test_patience_has_an_end(self):
        client = self.make_client(reconnect=0.3)
        job = client.model("sum_of_squares").s(VALUES=[1]).set(countdown=3600).delay()
        self.gateway.kill()
        with self.assertRaises(souvenir.Unavailable):
            job.get(SECONDS)


class WithoutStoreTest(harness.ServicesTest):

    def test_a_gateway_without_a_store_says_so(self):
        shutil.copytree(SOURCE_DIRECTORY / "models" / "sum_of_squares",
                        self.services.directory / "models" / "sum_of_squares")
        _, gateway, _ = self.start_both()
        with souvenir.Client(gateway.listen) as client:
            with self.assertRaisesRegex(souvenir.Unimplemented, "tasks.directory"):
                client.model("sum_of_squares").delay(VALUES=[1])


class AsyncioTest(ClientTest):

    def run_with_client(self, work):
        async def run():
            async with souvenir.aio.Client(self.gateway.listen, admin=self.gateway.admin,
                                           timeout=SECONDS) as client:
                return await work(client)

        return asyncio.run(run())

    def test_calls(self):
        async def work(client):
            one, both = await asyncio.gather(client.translate("Good night", "es", "en"),
                                             client.translate("Good day", ["es", "gl"], "en"))
            self.assertEqual((one.language, len(both)), ("es", 2))
            result = await client.model("sum_of_squares")(VALUES=[1, 2])
            self.assertEqual(result.item(), 5)
            self.assertEqual((await client.entry(result.provenance.key)).model, "sum_of_squares")
            self.assertTrue(await client.invalidate(key=result.provenance.key))
            self.assertIn("sum_of_squares", (await client.stats()).models)
            with self.assertRaises(souvenir.NotFound):
                await client.infer("nothing_such", {})
            with self.assertRaises(souvenir.FailedPrecondition):
                await client.translate("New", "es", "en",
                                       cache=souvenir.CacheControl(only_if_cached=True))

        self.run_with_client(work)

    def test_jobs(self):
        async def work(client):
            squares = client.model("sum_of_squares")
            chord = souvenir.chord(squares.map(VALUES=[[1, 2], [3, 4]]), squares.s())
            job = await chord.delay()
            self.assertEqual((await job.get(SECONDS)).item(), 650)
            self.assertEqual((await job.status, await job.ready()), ("SUCCEEDED", True))
            group = await souvenir.group(squares.s(VALUES=[i]) for i in range(2000)).delay()
            members = [member.position async for member in group.as_completed(SECONDS)]
            self.assertEqual(sorted(members), list(range(2000)))
            self.assertEqual([one.item() for one in await group.get(SECONDS)],
                             [i * i for i in range(2000)])
            bad = await souvenir.group(squares.s(VALUES=[TOO_LARGE]),
                                       squares.s(VALUES=[1])).apply_async(run_all=True)
            with self.assertRaises(souvenir.TaskFailed):
                await bad.get(SECONDS)
            failed, one = await bad.get(SECONDS, propagate=False)
            self.assertEqual((failed.step, one.item()), ("0", 1))
            self.assertEqual([letter.step for letter in await bad.dead_letters()], ["0"])
            self.assertEqual((await bad.progress()).failed, 1)
            waits = await squares.s(VALUES=[1]).set(countdown=3600).delay()
            with self.assertRaises(TimeoutError):
                await waits.get(timeout=0.1)
            with self.assertRaises(asyncio.TimeoutError):
                await asyncio.wait_for(waits.get(), 0.1)
            await waits.revoke()
            with self.assertRaises(souvenir.TaskRevoked):
                await waits.get(SECONDS)
            self.assertEqual((await (await squares.delay(VALUES=[2])).get()).item(), 4)

        self.run_with_client(work)


class PagesTest(ClientTest):
    """The examples of docs/tasks.md and clients/python/README.md."""

    def test_each_row_of_the_table_for_celery_users(self):
        page = (SOURCE_DIRECTORY / "docs" / "tasks.md").read_text(encoding="utf-8")
        section = page.partition("## If you know Celery")[2].partition("\n## ")[0]
        rows = [re.split(r"(?<!\\)\|", line)[1:3] for line in section.splitlines()
                if re.match(r"\| `", line)]
        self.assertGreater(len(rows), 15)
        names = {"souvenir": souvenir}
        for celery, ours in rows:
            code = re.fullmatch(r"\s*`(.*)`\s*", ours)
            with self.subTest(celery=celery.strip()):
                self.assertIsNotNone(code, f"not a line of code: {ours}")
                text, _, wanted = code[1].replace("\\|", "|").partition("  # ")
                text = text.replace("127.0.0.1:8001", self.gateway.listen).replace(
                    "127.0.0.1:8003", self.gateway.admin)
                try:
                    value = eval(compile(text, "<row>", "eval"), names)
                    self.assertEqual(repr(value), wanted or repr(value))
                except SyntaxError:
                    exec(compile(text, "<row>", "exec"), names)
                    self.assertEqual(wanted, "")
        names["client"].close()

    def test_whole_programs(self):
        pages = [CLIENT / "README.md", SOURCE_DIRECTORY / "docs" / "tasks.md"]
        programs = [(page.name, text) for page in pages
                    for text in re.findall(r"```python\n(.*?)```\n+(?:It prints:?\n+)?```\n",
                                           page.read_text(encoding="utf-8"), re.DOTALL)]
        outputs = [text for page in pages
                   for text in re.findall(r"```python\n.*?```\n+(?:It prints:?\n+)?```\n(.*?)```",
                                          page.read_text(encoding="utf-8"), re.DOTALL)]
        self.assertGreater(len(programs), 2)
        for (page, text), wanted in zip(programs, outputs):
            with self.subTest(page):
                self.assertEqual(self.run_program(text, f"{CLIENT}:{STUBS_DIRECTORY}"), wanted)

    def run_program(self, text, path):
        done = subprocess.run(
            [sys.executable, "-B", "-"], check=False, capture_output=True, text=True,
            input=text.replace("127.0.0.1:8001", self.gateway.listen),
            env={**os.environ, "PYTHONPATH": path}, timeout=2 * SECONDS)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def test_a_build_leaves_it_beside_the_modules(self):
        shown = self.run_program("import souvenir, souvenir.v1\nprint(souvenir.__file__)\n"
                                 "print(souvenir.Client('127.0.0.1:8001').stats().flights)\n",
                                 str(STUBS_DIRECTORY))
        self.assertEqual(shown, f"{STUBS_DIRECTORY}/souvenir/__init__.py\n0\n")
        for path in (CLIENT / "souvenir").glob("*.py"):
            self.assertEqual((STUBS_DIRECTORY / "souvenir" / path.name).read_bytes(),
                             path.read_bytes())

    def test_pip_installs_it_offline(self):
        tree = self.services.directory / "tree"
        for part in ("clients", "protos"):
            shutil.copytree(SOURCE_DIRECTORY / part, tree / part)
        shutil.copy(SOURCE_DIRECTORY / "CMakeLists.txt", tree)
        target = self.services.directory / "installed"
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
        done = subprocess.run(
            [*pip, "install", "--no-index", "--no-build-isolation", "--no-deps", "--quiet",
             "--root-user-action=ignore", "--target", str(target),
             str(tree / "clients" / "python")],
            check=False, capture_output=True, text=True, timeout=4 * SECONDS)
        self.assertEqual(done.returncode, 0,
                         f"{done.stderr}\npip and wheel come with scripts/setup --with test")
        shown = self.run_program(
            "import souvenir, importlib.metadata\n"
            "print(souvenir.__file__, importlib.metadata.version('souvenir'))\n"
            "with souvenir.Client('127.0.0.1:8001') as client:\n"
            "    print(client.model('sum_of_squares').delay(VALUES=[3]).get(60).item())\n",
            str(target))
        where, number = shown.splitlines()
        version = re.search(r"souvenir VERSION (\S+)", (SOURCE_DIRECTORY / "CMakeLists.txt").read_text())[1]
        self.assertEqual((where, number), (f"{target}/souvenir/__init__.py {version}", "9"))
        # What it needs is there in the versions that it names.
        needs = subprocess.run([*pip, "check"], check=False, capture_output=True, text=True,
                               env={**os.environ, "PYTHONPATH": str(target)}, timeout=SECONDS)
        self.assertNotIn("souvenir", needs.stdout)


if __name__ == "__main__":
    harness.main()
