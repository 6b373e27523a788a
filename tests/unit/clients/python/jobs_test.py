"""Watching over broken connections, results in chunks, and errors."""

import unittest
from unittest import mock

import grpc

import souvenir
from souvenir.errors import make_error
from souvenir.jobs import BaseResult, Patience, ResultReader, Watch, patience_of_reading
from souvenir.v1 import task_service_pb2 as pb


class Broken(grpc.RpcError):
    def __init__(self, code):
        super().__init__()
        self._code = code

    def code(self):
        return self._code

    def details(self):
        return "why"


class PatienceTest(unittest.TestCase):

    def setUp(self):
        self.now = 100.0
        self.patience = Patience(10, [grpc.StatusCode.UNAVAILABLE], lambda: self.now)

    def test_pauses_grow_to_a_limit(self):
        pauses = [self.patience.pause_after(Broken(grpc.StatusCode.UNAVAILABLE))
                  for _ in range(20)]
        self.assertLessEqual(pauses[0], 0.05)
        self.assertGreaterEqual(pauses[-1], 1)
        self.assertLessEqual(max(pauses), 2)

    def test_it_ends_and_begins_anew_with_what_works(self):
        self.patience.pause_after(Broken(grpc.StatusCode.UNAVAILABLE))
        self.now += 9.9
        self.patience.pause_after(Broken(grpc.StatusCode.UNAVAILABLE))
        self.patience.worked()
        self.now += 5
        self.patience.pause_after(Broken(grpc.StatusCode.UNAVAILABLE))
        self.now += 10
        with self.assertRaisesRegex(souvenir.Unavailable, "why"):
            self.patience.pause_after(Broken(grpc.StatusCode.UNAVAILABLE))

    def test_other_errors_end_it_at_once(self):
        with self.assertRaises(souvenir.NotFound):
            self.patience.pause_after(Broken(grpc.StatusCode.NOT_FOUND))


def step_event(sequence, step, state=pb.STEP_STATE_SUCCEEDED, **fields):
    return pb.JobEvent(sequence=sequence, step=pb.StepEnded(id=step, state=state, **fields))


class WatchTest(unittest.TestCase):

    def watch(self, ends=("a", "b")):
        return Watch(BaseResult("job", ends), True, patience_of_reading(1))

    def test_it_goes_on_after_the_last_event(self):
        watch = self.watch()
        self.assertEqual(watch.request().from_sequence, 1)
        output = pb.OutputTensor(name="O", datatype="INT64", shape=[1], raw=b"\5" + b"\0" * 7)
        member = watch.take(step_event(7, "b", outputs=[output]))
        self.assertEqual((member.position, member.get().item()), (1, 5))
        self.assertEqual(watch.request().from_sequence, 8)
        self.assertIsNone(watch.take(step_event(8, "other")))
        self.assertTrue(watch.take(step_event(9, "a", result_bytes=10 ** 6)).lacks_result)
        self.assertIsNone(watch.job)
        watch.take(pb.JobEvent(sequence=10, job=pb.Job(state=pb.JOB_STATE_SUCCEEDED)))
        self.assertEqual(watch.job.state, pb.JOB_STATE_SUCCEEDED)

    def test_an_earlier_end_of_a_job_that_runs_again_is_none(self):
        watch = self.watch()
        watch.take(pb.JobEvent(sequence=3, job=pb.Job(state=pb.JOB_STATE_RUNNING)))
        self.assertIsNone(watch.job)
        watch.note(pb.Job(state=pb.JOB_STATE_RUNNING))
        self.assertIsNone(watch.job)
        watch.note(pb.Job(state=pb.JOB_STATE_FAILED))
        self.assertEqual(watch.job.state, pb.JOB_STATE_FAILED)

    def test_each_way_to_end_is_an_error_of_its_own(self):
        watch = self.watch(None)  # every step counts
        failed = watch.take(step_event(1, "a", pb.STEP_STATE_FAILED, number=4,
                                       status={"code": 3, "message": "no"}))
        skipped = watch.take(step_event(2, "b", pb.STEP_STATE_SKIPPED))
        cancelled = watch.take(step_event(3, "c", pb.STEP_STATE_CANCELLED))
        self.assertEqual((failed.position, failed.state, failed.error.step, failed.error.message,
                          failed.error.code), (4, "FAILED", "a", "no",
                                               grpc.StatusCode.INVALID_ARGUMENT))
        self.assertIn("skipped", skipped.error.message)
        self.assertIsInstance(cancelled.error, souvenir.TaskRevoked)
        self.assertEqual(watch.failed_step, "a")


class ReadingTest(unittest.TestCase):
    """The loop of souvenir.AsyncResult, with a gateway that is replaced and time that is told."""

    def setUp(self):
        self.now = 0.0
        self.requests = []
        self.streams = []  # the events of each, after which it breaks
        self.gateway_is_there = True
        client = mock.Mock(reconnect=10)
        client._tasks.return_value = (self, {"metadata": [], "timeout": 60})
        self.result = souvenir.AsyncResult(client, "job", ["a"])
        sleep = mock.patch("souvenir.client.time.sleep", self.sleep)
        sleep.start()
        self.addCleanup(sleep.stop)

    def sleep(self, seconds):
        del seconds
        self.now += 4

    def GetJob(self, request, **_):
        self.assertEqual(request.job_id, "job")
        if not self.gateway_is_there:
            raise Broken(grpc.StatusCode.UNAVAILABLE)

    def Watch(self, request, **_):
        self.requests.append(request.from_sequence)

        def events(stream):
            yield from stream
            raise Broken(grpc.StatusCode.UNAVAILABLE)

        call = mock.MagicMock()
        call.__iter__.return_value = events(self.streams.pop(0))
        return call

    def read(self):
        watch = Watch(self.result, False, Patience(10, [grpc.StatusCode.UNAVAILABLE],
                                                   lambda: self.now))
        return [member.step for member in self.result._members(watch, None)]

    def test_many_breaks_of_a_silent_watch_are_no_absence(self):
        end = pb.JobEvent(sequence=3, job=pb.Job(state=pb.JOB_STATE_SUCCEEDED))
        self.streams = [[]] * 9 + [[step_event(2, "a")], [end]]
        self.assertEqual(self.read(), ["a"])
        self.assertEqual(self.requests, [1] * 10 + [3])
        self.assertGreater(self.now, 3 * 10)

    def test_a_gateway_that_stays_away_ends_it(self):
        self.streams = [[step_event(5, "a")]]
        self.gateway_is_there = False
        with self.assertRaises(souvenir.Unavailable):
            self.read()
        self.assertEqual(self.requests, [1])
        self.assertLess(self.now, 20)


class ResultReaderTest(unittest.TestCase):

    def test_outputs_follow_one_another_whatever_the_chunks(self):
        header = pb.ResultChunk(header=pb.ResultHeader(outputs=[
            pb.OutputTensor(name="A", datatype="UINT8", shape=[3], raw_bytes=3),
            pb.OutputTensor(name="B", datatype="UINT8", shape=[0], raw_bytes=0),
            pb.OutputTensor(name="C", datatype="UINT8", shape=[2], raw_bytes=2)]))
        for cut in range(6):
            reader = ResultReader()
            reader.take(header)
            for data in (b"\1\2\3\4\5"[:cut], b"\1\2\3\4\5"[cut:]):
                reader.take(pb.ResultChunk(data=data))
            self.assertEqual({name: tensor.tolist() for name, tensor in
                              reader.result().outputs.items()},
                             {"A": [1, 2, 3], "B": [], "C": [4, 5]})


class ErrorsTest(unittest.TestCase):

    def test_each_code_has_its_class(self):
        self.assertIsInstance(make_error(5, "m"), souvenir.NotFound)
        self.assertIsInstance(make_error(5, "m"), LookupError)
        self.assertIsInstance(make_error(3, "m"), ValueError)
        self.assertIsInstance(make_error(4, "m"), TimeoutError)
        self.assertEqual(make_error(15, "m").code, grpc.StatusCode.DATA_LOSS)
        self.assertEqual(make_error(99, "m").code, grpc.StatusCode.UNKNOWN)
        self.assertEqual(str(make_error(8, "full")), "RESOURCE_EXHAUSTED: full")


if __name__ == "__main__":
    unittest.main()
