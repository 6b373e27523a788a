"""Jobs, end to end: graphs of model calls that the gateway runs, also after it was killed."""

import re
import shutil
import struct
import subprocess

import grpc
from google.protobuf import duration_pb2

import harness
import metrics
from services import SOURCE_DIRECTORY, program, wait_for

from inference import grpc_service_pb2 as oip
from souvenir.v1 import task_service_pb2 as tasks
from souvenir.v1 import task_service_pb2_grpc as tasks_grpc

MODELS = ("sum_of_squares", "primes")
SECONDS = 60


def literal(name, datatype, shape, values):
    contents = oip.InferTensorContents(int64_contents=values)
    return tasks.StepInput(name=name, literal=tasks.TensorLiteral(
        datatype=datatype, shape=shape, contents=contents))


def squares(step, values, **fields):
    """A step that sums the squares of numbers."""
    return tasks.Step(id=step, call=tasks.ModelCall(model="sum_of_squares", inputs=[
        literal("VALUES", "INT64", [1, len(values)], values)]), **fields)


def sum_of(step, parts, **fields):
    """A step that sums the squares of the sums of others."""
    return tasks.Step(id=step, call=tasks.ModelCall(model="sum_of_squares", inputs=[
        tasks.StepInput(name="VALUES", gather=tasks.Gather(steps=parts), reshape=[1, -1])]),
        **fields)


def primes(step, first, last, **fields):
    return tasks.Step(id=step, call=tasks.ModelCall(model="primes", inputs=[
        literal("FIRST", "INT64", [1], [first]), literal("LAST", "INT64", [1], [last])]), **fields)


class TasksTest(harness.ServicesTest):

    def start(self, config=""):
        """Returns (compute, gateway) with a task store, once the gateway knows the models."""
        for model in MODELS:
            shutil.copytree(SOURCE_DIRECTORY / "models" / model,
                            self.services.directory / "models" / model)
        self.compute = self.start_compute()
        return self.start_with_store(config)

    def start_with_store(self, config=""):
        directory = self.services.directory / "tasks"
        gateway = self.start_gateway(self.compute, data_dir="cache",
                                     config=f'tasks {{ directory: "{directory}" {config} }}')
        server = self.connect(gateway.listen)
        wait_for(lambda: all(self.knows(server, model) for model in MODELS),
                 "the gateway to learn its models")
        self.stub = tasks_grpc.TaskServiceStub(server.channel)
        self.admin = tasks_grpc.TaskServiceStub(self.connect(gateway.admin).channel)
        return gateway

    def knows(self, server, model):
        try:
            return server.inference.ModelReady(oip.ModelReadyRequest(name=model), timeout=10).ready
        except grpc.RpcError:
            return False

    def submit(self, *steps, **options):
        answer = self.stub.SubmitJob(tasks.SubmitJobRequest(
            options=tasks.JobOptions(**options), steps=steps), timeout=SECONDS)
        return answer.job_id

    def events(self, job, stub=None, **fields):
        """Returns all events of a job, once it has ended."""
        return list((stub or self.stub).Watch(tasks.WatchRequest(job_id=job, **fields),
                                              timeout=SECONDS))

    def ended(self, job):
        """Returns a job, once it has ended."""
        return self.events(job)[-1].job

    def result(self, job, step=""):
        """Returns {output: numbers} of a step."""
        chunks = list(self.stub.GetResult(tasks.GetResultRequest(job_id=job, step=step),
                                          timeout=SECONDS))
        data = b"".join(chunk.data for chunk in chunks[1:])
        outputs = {}
        for output in chunks[0].header.outputs:
            raw, data = data[:output.raw_bytes], data[output.raw_bytes:]
            self.assertEqual(output.datatype, "INT64")
            outputs[output.name] = list(struct.unpack(f"<{len(raw) // 8}q", raw))
        self.assertEqual(data, b"")
        return outputs

    def test_a_chord_a_chain_and_a_group(self):
        gateway = self.start()
        pieces = [squares(f"piece-{i}", [i, i + 1]) for i in range(20)]
        job = self.submit(sum_of("body", [piece.id for piece in pieces]), *pieces, name="chord")
        events = self.events(job, max_result_bytes=1000)
        self.assertEqual([event.sequence for event in events], list(range(1, 23)))
        self.assertEqual(events[-2].step.id, "body", "the body runs last")
        self.assertEqual(events[-1].job.state, tasks.JOB_STATE_SUCCEEDED)
        self.assertEqual(events[-1].job.result_step, "body")
        wanted = sum((i * i + (i + 1) * (i + 1)) ** 2 for i in range(20))
        self.assertEqual(self.result(job), {"SUM": [wanted]})
        (output,) = events[-2].step.outputs
        self.assertEqual(struct.unpack("<q", output.raw), (wanted,))

        chain = self.submit(squares("1", [2]), sum_of("2", ["1"]), sum_of("3", ["2"]))
        self.assertEqual(self.ended(chain).state, tasks.JOB_STATE_SUCCEEDED)
        self.assertEqual(self.result(chain), {"SUM": [2 ** 8]})

        group = self.submit(*[squares(f"{i}", [i]) for i in range(10)])
        in_order = self.events(group, order=tasks.WATCH_ORDER_SUBMISSION)
        self.assertEqual([event.step.id for event in in_order[:-1]], [f"{i}" for i in range(10)])
        self.assertEqual(self.result(group, "7"), {"SUM": [49]})
        self.assert_fails(grpc.StatusCode.FAILED_PRECONDITION, lambda: self.result(group),
                          "several last steps")

        # Everything is known by now.
        before = metrics.sum_of(gateway.metrics, "souvenir_gateway_tasks_remembered_rows_total")
        again = self.submit(*pieces, sum_of("body", [piece.id for piece in pieces]))
        self.assertEqual(self.ended(again).state, tasks.JOB_STATE_SUCCEEDED)
        after = metrics.sum_of(gateway.metrics, "souvenir_gateway_tasks_remembered_rows_total")
        self.assertEqual(after - before, 21)

    def test_a_large_job_comes_in_pieces_and_none_without_its_seal(self):
        self.start()

        def messages(seal):
            yield tasks.SubmitRequest(options=tasks.JobOptions(name="stream"))
            for first in range(0, 1000, 100):
                yield tasks.SubmitRequest(steps=tasks.StepChunk(
                    steps=[squares(f"{i}", [i]) for i in range(first, first + 100)]))
            yield tasks.SubmitRequest(steps=tasks.StepChunk(
                steps=[sum_of("sum", [f"{i}" for i in range(1000)])]))
            if seal:
                yield tasks.SubmitRequest(seal=tasks.SealJob())

        job = self.stub.Submit(messages(True), timeout=SECONDS).job_id
        self.assertEqual(self.ended(job).state, tasks.JOB_STATE_SUCCEEDED)
        self.assertEqual(self.result(job), {"SUM": [sum(i ** 4 for i in range(1000))]})
        self.assert_fails(grpc.StatusCode.INVALID_ARGUMENT,
                          lambda: self.stub.Submit(messages(False), timeout=SECONDS),
                          "without a seal")
        self.assertEqual(len(self.stub.ListJobs(tasks.ListJobsRequest(), timeout=SECONDS).jobs), 1)

    def test_what_is_wrong_is_refused_before_anything_runs(self):
        self.start()

        def refused(*steps, **options):
            return lambda: self.submit(*steps, **options)

        self.assert_fails(grpc.StatusCode.INVALID_ARGUMENT,
                          refused(sum_of("a", ["b"]), sum_of("b", ["a"])),
                          "a cycle of 2 steps", "steps[0]")
        self.assert_fails(grpc.StatusCode.INVALID_ARGUMENT, refused(sum_of("a", ["b"])),
                          "steps[0] 'a'", "'b', which does not exist")
        wrong = squares("a", [1])
        wrong.call.model = "sum_of_square"
        self.assert_fails(grpc.StatusCode.INVALID_ARGUMENT, refused(wrong), "steps[0] 'a': call",
                          "sum_of_squares")
        self.assert_fails(grpc.StatusCode.INVALID_ARGUMENT, refused(squares("a", [1]),
                                                                    squares("a", [2])),
                          "steps[1] 'a': the id came before")
        self.assert_fails(grpc.StatusCode.INVALID_ARGUMENT, refused(), "at least one")
        self.assertEqual(len(self.stub.ListJobs(tasks.ListJobsRequest(), timeout=SECONDS).jobs), 0)

    def test_failures_stay_apart_and_dead_letters_run_again(self):
        self.start()
        # A square that does not fit into 64 bits is refused by the model.
        bad = squares("bad", [2 ** 62])
        job = self.submit(bad, squares("good", [3]), sum_of("after-bad", ["bad"]),
                          sum_of("after-good", ["good"]), failure_policy=tasks.FAILURE_POLICY_RUN_ALL)
        ended = self.ended(job)
        self.assertEqual(ended.state, tasks.JOB_STATE_FAILED)
        self.assertEqual((ended.steps.succeeded, ended.steps.failed, ended.steps.skipped),
                         (2, 1, 1))
        self.assertEqual(self.result(job, "after-good"), {"SUM": [81]})
        self.assert_fails(grpc.StatusCode.INVALID_ARGUMENT, lambda: self.result(job, "bad"))
        (letter,) = self.stub.ListDeadLetters(tasks.ListDeadLettersRequest(job_id=job),
                                              timeout=SECONDS).dead_letters
        self.assertEqual((letter.step, letter.reason),
                         ("bad", tasks.DEAD_LETTER_REASON_PERMANENT))
        again = self.stub.Requeue(tasks.RequeueRequest(job_id=job, steps=["bad"]),
                                  timeout=SECONDS).job
        self.assertEqual(again.state, tasks.JOB_STATE_RUNNING)
        events = self.events(job, from_sequence=ended.next_sequence)
        self.assertEqual({event.step.id for event in events[:-1]}, {"bad", "after-bad"},
                         "what succeeded must not run again")
        kinds = [event.WhichOneof("event") for event in self.events(job)]
        self.assertEqual(kinds.index("job"), len(kinds) - 1,
                         "the first end of the job is void since steps ran again")

        fast = self.submit(squares("bad", [2 ** 62]), primes("slow", 0, 10, countdown=duration_pb2.
                                                             Duration(seconds=3600)))
        ended = self.ended(fast)
        self.assertEqual((ended.state, ended.steps.skipped), (tasks.JOB_STATE_FAILED, 1))

    def test_cancel_ends_what_waits(self):
        self.start()
        job = self.submit(squares("later", [1], countdown=duration_pb2.Duration(seconds=3600)),
                          sum_of("after", ["later"]))
        self.stub.Cancel(tasks.CancelRequest(job_id=job), timeout=SECONDS)
        ended = self.ended(job)
        self.assertEqual((ended.state, ended.steps.cancelled), (tasks.JOB_STATE_CANCELLED, 2))

    def test_queues_are_paused_on_the_admin_port(self):
        self.start()
        pause = tasks.PauseQueueRequest(name="mail")
        self.assert_fails(grpc.StatusCode.PERMISSION_DENIED,
                          lambda: self.stub.PauseQueue(pause, timeout=SECONDS), "admin port")
        self.assertTrue(self.admin.PauseQueue(pause, timeout=SECONDS).paused)
        job = self.submit(squares("a", [1], queue="mail"))
        other = self.submit(squares("a", [5]))
        self.assertEqual(self.ended(other).state, tasks.JOB_STATE_SUCCEEDED)
        step = self.stub.ListSteps(tasks.ListStepsRequest(job_id=job), timeout=SECONDS).steps[0]
        self.assertEqual((step.state, step.queue), (tasks.STEP_STATE_READY, "mail"))
        self.admin.ResumeQueue(tasks.ResumeQueueRequest(name="mail"), timeout=SECONDS)
        self.assertEqual(self.ended(job).state, tasks.JOB_STATE_SUCCEEDED)

    def test_a_job_outlives_a_gateway_that_is_killed(self):
        gateway = self.start("max_running: 2")
        # Each takes a while, so that some run, some wait and some have ended at the kill.
        width = 3_000_000
        parts = [primes(f"{i}", 10 ** 11 + i * width, 10 ** 11 + (i + 1) * width - 1)
                 for i in range(12)]
        count = tasks.Step(id="count", call=tasks.ModelCall(model="sum_of_squares", inputs=[
            tasks.StepInput(name="VALUES", reshape=[1, -1], gather=tasks.Gather(
                steps=[part.id for part in parts], output="COUNT"))]))
        job = self.submit(*parts, count, idempotency_key="once")
        seen = []
        for event in self.stub.Watch(tasks.WatchRequest(job_id=job), timeout=SECONDS):
            seen.append(event)
            if len(seen) == 3:
                break
        gateway.kill()

        self.start_with_store("max_running: 2")
        self.assertEqual(self.submit(*parts, count, idempotency_key="once"), job)
        rest = self.events(job, from_sequence=seen[-1].sequence + 1)
        ids = [event.step.id for event in seen + rest[:-1]]
        self.assertEqual(sorted(ids), sorted([part.id for part in parts] + ["count"]),
                         "each step ends once")
        self.assertEqual(rest[-1].job.state, tasks.JOB_STATE_SUCCEEDED)
        counts = [self.result(job, part.id)["COUNT"][0] for part in parts]
        self.assertEqual(self.result(job), {"SUM": [sum(n * n for n in counts)]})

    def test_the_command_line_runs_the_plan_of_the_page(self):
        gateway = self.start()
        page = (SOURCE_DIRECTORY / "docs" / "tasks.md").read_text(encoding="utf-8")
        plan = re.search(r"```json\n(.*?)```", page, re.DOTALL).group(1)

        def souvenir(*arguments):
            return subprocess.run(
                [program("souvenir"), f"--server={gateway.listen}", f"--admin={gateway.admin}",
                 *arguments], input=plan, capture_output=True, text=True, timeout=SECONDS)

        ran = souvenir("run", "-")
        self.assertEqual((ran.returncode, ran.stderr), (0, ""))
        job = ran.stdout.splitlines()[0]
        self.assertRegex(ran.stdout, rf"(?m)^{job} succeeded: 3 of 3 steps \(squares\)$")
        result = souvenir("tasks", "result", "-q", job)
        self.assertEqual((result.stdout.strip(), result.stderr), (str(14 ** 2 + 77 ** 2), ""))
        self.assertIn(job, souvenir("tasks", "list").stdout)
        self.assertIn("sum_of_squares", souvenir("tasks", "show", job).stdout)
        self.assertEqual(souvenir("tasks", "watch", job).returncode, 0)
        self.assertEqual(souvenir("tasks", "dead").returncode, 0)
        paused = souvenir("tasks", "pause", "default")
        self.assertIn("default is paused", paused.stdout, paused.stderr)
        unknown = souvenir("tasks", "show", "none")
        self.assertEqual(unknown.returncode, 1)
        self.assertIn("there is no job 'none'", unknown.stderr)

    def test_a_gateway_without_a_store_says_so(self):
        compute = self.start_compute()
        gateway = self.start_gateway(compute)
        stub = tasks_grpc.TaskServiceStub(self.connect(gateway.listen).channel)
        self.assert_fails(grpc.StatusCode.UNIMPLEMENTED,
                          lambda: stub.ListJobs(tasks.ListJobsRequest(), timeout=SECONDS),
                          "tasks.directory")


if __name__ == "__main__":
    harness.main()
