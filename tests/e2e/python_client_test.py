"""The calls of the Python client: translations, models, the cache; and its twin for asyncio."""

import asyncio
import shutil
import socket

from python_client import SECONDS, TOO_LARGE, ClientTest  # finds the package
import harness
import souvenir
from services import SOURCE_DIRECTORY, wait_for


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


if __name__ == "__main__":
    harness.main()
