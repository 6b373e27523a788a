"""Jobs of every shape, by the Python client."""

from python_client import SECONDS, TOO_LARGE, ClientTest  # finds the package
import harness
import souvenir
from services import wait_for


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


if __name__ == "__main__":
    harness.main()
