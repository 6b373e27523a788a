"""What is submitted for a signature."""

import unittest
from datetime import datetime, timedelta, timezone

import souvenir
from souvenir.graph import CLOSE, LEAF, OPEN, arrange, build
from souvenir.jobs import models_of
from souvenir.results import ModelInfo
from souvenir.signatures import JobOptions, Task
from souvenir.v1 import task_service_pb2 as pb

MODELS = {
    "one": ModelInfo("one", {"IN": ("INT64", (-1, -1))}, {"OUT": ("INT64", (-1, 1))}),
    "two": ModelInfo("two", {"A": ("INT64", (1,)), "B": ("INT64", (1,))},
                     {"LIST": ("INT64", (-1,)), "COUNT": ("INT64", (1,))}),
    "text": ModelInfo("text", {"TEXT": ("BYTES", (-1, 1))}, {"TEXT": ("BYTES", (-1, 1))}),
    "fixed": ModelInfo("fixed", {"IN": ("INT64", (4,))}, {"OUT": ("INT64", (4,))}),
}


class FakeClient:
    """Builds a graph in place of a submission."""

    def submit(self, signature, **options):
        job = JobOptions(**options)
        names = models_of(signature, job, self)
        return build(signature, {name: MODELS[name[0]] for name in names}, job)


CLIENT = FakeClient()
ONE, TWO, TEXT, FIXED = (Task(CLIENT, name) for name in MODELS)


def refused(test, signature, *parts):
    with test.assertRaises(souvenir.InvalidArgument) as failure:
        signature.delay()
    for part in parts:
        test.assertIn(part, failure.exception.message)


class ShapesTest(unittest.TestCase):

    def test_a_step(self):
        graph = ONE.delay(IN=[1, 2])
        (step,) = graph.steps
        self.assertEqual((step.id, step.call.model, step.after[:]), ("0", "one", []))
        literal = step.call.inputs[0].literal
        self.assertEqual((literal.datatype, literal.shape[:], literal.raw),
                         ("INT64", [1, 2], b"\1" + b"\0" * 7 + b"\2" + b"\0" * 7))
        self.assertEqual((graph.options.result_step, graph.ends, graph.form),
                         ("0", ("0",), (LEAF,)))
        self.assertEqual(len(graph.options.idempotency_key), 32)

    def test_a_chain_hands_on_whole_outputs(self):
        graph = (ONE.s(IN=[1]) | ONE.s() | ONE.s()).delay()
        sources = [step.call.inputs[0].output.step for step in graph.steps[1:]]
        self.assertEqual((sources, graph.ends), (["0", "1"], ("2",)))
        self.assertEqual(graph.steps[1].call.inputs[0].reshape[:], [], "it fits as it is")

    def test_a_chord_gathers(self):
        graph = souvenir.chord(ONE.map(IN=[1, 2, 3]), ONE.s()).delay()
        taken = graph.steps[3].call.inputs[0]
        self.assertEqual((taken.gather.steps[:], taken.gather.output, taken.reshape[:]),
                         (["0", "1", "2"], "OUT", [1, -1]))
        self.assertEqual((graph.options.result_step, graph.form), ("3", (LEAF,)))

    def test_shapes_follow_the_input(self):
        for part, wanted in ((TEXT.map(TEXT=["a", "b"]) | TEXT.s(), [-1, 1]),
                             (TWO.s(A=1, B=2)["COUNT"] | ONE.s(), [1, -1]),
                             (TWO.s(A=1, B=2) | ONE.s(IN=souvenir.previous("LIST")), [1, -1]),
                             (ONE.map(IN=range(4)) | FIXED.s(), [4]),
                             (TWO.s(A=1, B=2)["LIST"] | FIXED.s(), []),
                             (ONE.map(IN=range(4)) | ONE.s(IN=souvenir.previous(reshape=())), []),
                             (ONE.map(IN=range(4)) | ONE.s(IN=souvenir.previous(reshape=(2, 2))),
                              [2, 2])):
            with self.subTest(part=part):
                self.assertEqual(part.delay().steps[-1].call.inputs[0].reshape[:], wanted)

    def test_a_row(self):
        row = (ONE.s(IN=[1]) | ONE.s(IN=souvenir.previous(row=2))).delay().steps[1].call.inputs[0]
        self.assertEqual((row.output.HasField("row"), row.output.row), (True, 2))
        refused(self, ONE.map(IN=[1, 2]) | ONE.s(IN=souvenir.previous(row=0)), "'IN'", "a group")

    def test_a_group_after_a_group(self):
        graph = (ONE.map(IN=[1, 2]) | souvenir.group(ONE.s(), ONE.s()) | ONE.s()).delay()
        self.assertEqual([step.call.inputs[0].gather.steps[:] for step in graph.steps[2:]],
                         [["0", "1"], ["0", "1"], ["2", "3"]])

    def test_results_keep_the_form(self):
        inner = souvenir.group(ONE.s(IN=[1]), souvenir.chord([ONE.s(IN=[2])], ONE.s()))
        graph = souvenir.group(inner, ONE.s(IN=[3])).delay()
        self.assertEqual(graph.form, (OPEN, OPEN, LEAF, LEAF, CLOSE, LEAF, CLOSE))
        self.assertEqual(graph.ends, ("0", "2", "3"))
        self.assertEqual(arrange(graph.form, "abc"), [["a", "b"], "c"])
        self.assertEqual(graph.options.result_step, "", "there are several")
        self.assertEqual(arrange((OPEN, LEAF, CLOSE), "a"), ["a"])
        self.assertEqual(arrange((LEAF,), "a"), "a")

    def test_waiting_alone(self):
        graph = (ONE.map(IN=[1, 2]) | ONE.si(IN=[3])).delay()
        self.assertEqual(graph.steps[2].after[:], ["0", "1"])
        self.assertTrue(graph.steps[2].call.inputs[0].HasField("literal"))

    def test_depth_and_length_have_no_limit(self):
        deep = ONE.s(IN=[1])
        for _ in range(10_000):
            deep = souvenir.chain(souvenir.group([deep]), ONE.s())
        graph = deep.delay()
        self.assertEqual((len(graph.steps), graph.ends), (10_001, ("10000",)))
        nested = ONE.s(IN=[1])
        for _ in range(10_000):
            nested = souvenir.group([nested])
        graph = nested.delay()
        self.assertEqual(len(graph.form), 20_001)
        value = arrange(graph.form, ["x"])
        for _ in range(10_000):
            (value,) = value
        self.assertEqual(value, "x")
        links = souvenir.chain([ONE.s(IN=[1]), *[ONE.s()] * 100_000])
        self.assertEqual(len(links.delay().steps), 100_001)

    def test_chains_are_flat(self):
        chain = ONE.s(IN=[1])
        for _ in range(100):
            chain = chain | ONE.s()
        self.assertEqual(len(chain.parts), 101)


class RefusalsTest(unittest.TestCase):

    def test_inputs(self):
        refused(self, ONE.s(), "'one' needs the input 'IN'")
        refused(self, ONE.s(INN=[1]), "no input 'INN'; it has IN")
        refused(self, ONE.s(IN=["x"]), "'IN': 'x' is no INT64")
        refused(self, ONE.s(IN=[1]) | TWO.s(), "needs the input")
        refused(self, ONE.s(IN=souvenir.previous()), "nothing comes before")
        refused(self, ONE.s(IN=[1]) | ONE.s(IN=[1]), "use si()")
        refused(self, ONE.s(IN=[1]) | ONE.si(), "needs the input")

    def test_outputs(self):
        refused(self, TWO.s(A=1, B=2) | ONE.s(), "'two' has the outputs LIST, COUNT: choose one")
        refused(self, TWO.s(A=1, B=2)["SUM"] | ONE.s(), "no output 'SUM'; it has LIST, COUNT")
        refused(self, souvenir.group(TWO.s(A=1, B=2)["COUNT"], ONE.s(IN=[1])) | ONE.s(),
                "different names, COUNT, OUT")

    def test_what_is_no_signature(self):
        for make in (lambda: souvenir.group(), lambda: souvenir.chain([]),
                     lambda: souvenir.group(ONE), lambda: souvenir.chain(ONE.s(IN=[1]), "x"),
                     lambda: ONE.map(), lambda: ONE.map(IN="abc"), lambda: ONE.map(IN=[]),
                     lambda: TWO.map(A=[1], B=[1, 2]), lambda: ONE.map(IN=[1], chunk=0)):
            with self.assertRaises(souvenir.InvalidArgument):
                make()
        with self.assertRaisesRegex(souvenir.InvalidArgument, "one step"):
            ONE.s(IN=[1]).apply_async(link_error=ONE.map(IN=[1]))
        stranger = Task(FakeClient(), "one")
        refused(self, souvenir.group(ONE.s(IN=[1]), stranger.s(IN=[1])), "another client")

    def test_options(self):
        refused(self, ONE.s(IN=[1]).set(eta=datetime(2030, 1, 1)), "no time zone")
        refused(self, ONE.s(IN=[1]).set(countdown=1, eta=datetime.now(timezone.utc)), "one of them")
        refused(self, ONE.s(IN=[1]).set(max_retries=-1), "-1")
        refused(self, ONE.s(IN=[1]).set(parameters={"p": [1]}), "'p'", "[1]")
        with self.assertRaises(TypeError):
            ONE.s(IN=[1]).set(cuontdown=1)


class OptionsTest(unittest.TestCase):

    def test_of_steps(self):
        at = datetime(2030, 1, 1, 12, tzinfo=timezone(timedelta(hours=2)))
        step = ONE.s(IN=[1]).set(
            id="x", queue="mail", priority=-3, eta=at, time_limit=timedelta(minutes=1),
            max_retries=0, max_unavailable=0, retry_backoff=0.5, retry_backoff_max=9,
            retry_jitter=0, version="7", parameters={"b": True, "i": 1, "f": 0.5, "s": "t"})
        (made,) = build(step, {("one", "7"): MODELS["one"]}, JobOptions()).steps
        self.assertEqual((made.id, made.queue, made.priority, made.call.version),
                         ("x", "mail", -3, "7"))
        self.assertEqual(made.not_before.seconds, at.timestamp())
        self.assertEqual(made.time_limit.seconds, 60)
        retry = made.retry
        self.assertEqual((retry.max_attempts, retry.HasField("max_unavailable"),
                          retry.initial_backoff.nanos, retry.max_backoff.seconds,
                          retry.HasField("jitter")), (1, True, 500_000_000, 9, True))
        self.assertEqual({name: value.WhichOneof("parameter_choice")
                          for name, value in made.call.parameters.items()},
                         {"b": "bool_param", "i": "int64_param", "f": "double_param",
                          "s": "string_param"})
        plain = ONE.delay(IN=[1]).steps[0]
        self.assertEqual([field.name for field, _ in plain.ListFields()], ["id", "call"])

    def test_of_a_task_with_a_version(self):
        self.assertEqual(Task(CLIENT, "one", "3").delay(IN=[1]).steps[0].call.version, "3")

    def test_of_jobs(self):
        graph = ONE.s(IN=[1]).apply_async(
            name="n", idempotency_key="i", uniqueness_key="u", run_all=True,
            result_expires=timedelta(days=1), link_error=TEXT.s())
        options = graph.options
        self.assertEqual((options.name, options.idempotency_key, options.uniqueness_key,
                          options.failure_policy, options.result_ttl.seconds, options.failure_step,
                          options.result_step),
                         ("n", "i", "u", pb.FAILURE_POLICY_RUN_ALL, 86400, "1", "0"))
        self.assertTrue(graph.steps[1].call.inputs[0].HasField("failures"))
        self.assertEqual(graph.ends, ("0",))

    def test_signatures_are_immutable(self):
        step = ONE.s()
        step.clone(IN=[1]), step.set(id="a"), step["OUT"]
        self.assertEqual((step.inputs, step.options.id, step.output), ({}, None, None))


class SubmissionTest(unittest.TestCase):

    def test_a_small_job_is_one_message(self):
        graph = ONE.map(IN=range(10)).delay()
        self.assertEqual(len(graph.whole().steps), 10)

    def test_a_large_one_is_a_stream(self):
        for values, pieces in ((range(2500), 3), ([[0] * 50_000] * 9, 5)):
            graph = ONE.map(IN=values).delay()
            self.assertIsNone(graph.whole())
            first, *steps, seal = graph.pieces()
            self.assertEqual(first.WhichOneof("part"), "options")
            self.assertEqual(seal.WhichOneof("part"), "seal")
            self.assertEqual(len(steps), pieces)
            self.assertEqual([step.id for piece in steps for step in piece.steps.steps],
                             [str(i) for i in range(len(values))])
            self.assertEqual(len(list(graph.pieces())), pieces + 2, "it can be sent again")


if __name__ == "__main__":
    unittest.main()
