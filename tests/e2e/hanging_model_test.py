"""A model that exceeds its run limit is killed if it is a process and marked if it is not, and does
not hold up other models."""

import pathlib
import signal
import struct
import threading

import clients
import grpc
import harness
from clients import oip
from metrics import sum_of
from services import descendants, wait_for

LIMIT_MS = 500
HANG_MS = 6000


def config(name, isolation):
    return name, f"""backend: "builtin"
        instance_group {{ count: 1 }}
        parameters {{ key: "function" value {{ string_value: "custom_identity_int32" }} }}
        parameters {{ key: "execute_delay_ms" value {{ string_value: "{HANG_MS}" }} }}
        parameters {{ key: "run_limit_ms" value {{ string_value: "{LIMIT_MS}" }} }}
        parameters {{ key: "isolation" value {{ string_value: "{isolation}" }} }}"""


MODELS = dict([config("in_a_thread", "thread"), config("in_a_process", "process"),
               ("simple_identity", 'backend: "builtin"')])


def question(model):
    request = oip.ModelInferRequest(model_name=model)
    request.inputs.add(name="INPUT0", datatype="INT32", shape=[1, 1])
    request.raw_input_contents.append(struct.pack("<i", 7))
    return request


class HangingModelTest(harness.ServicesTest):

    def setUp(self):
        super().setUp()
        for name, text in MODELS.items():
            folder = self.services.directory / "models" / name
            folder.mkdir(parents=True)
            (folder / "config.pbtxt").write_text(text)
        self.compute = self.start_compute()
        self.server = self.connect(self.compute.listen)

    def assert_others_go_on(self):
        request = clients.text_request(["x"], model="simple_identity")
        request.inputs[0].name = "INPUT0"
        self.server.infer(request)

    def test_in_a_process_it_is_killed(self):
        def lost():
            return sum_of(self.compute.metrics, "souvenir_compute_workers_lost_total",
                          model="in_a_process")

        for times in (1, 2):  # the second time, the worker was started again
            self.assert_fails(grpc.StatusCode.DEADLINE_EXCEEDED,
                              lambda: self.server.infer(question("in_a_process")),
                              "in_a_process", str(LIMIT_MS))
            self.assertEqual(lost(), times)
            self.assert_others_go_on()
        self.assertEqual(self.server.health("in_a_process"), "SERVING")

    def test_in_a_thread_it_is_unhealthy_until_it_comes_back(self):
        answers = []
        hanging = threading.Thread(
            target=lambda: answers.append(self.server.infer(question("in_a_thread"))))
        hanging.start()
        self.addCleanup(hanging.join)
        wait_for(lambda: self.server.health("in_a_thread") == "NOT_SERVING",
                 "the model to be marked")
        self.assert_fails(grpc.StatusCode.UNAVAILABLE,
                          lambda: self.server.infer(question("in_a_thread")),
                          "in_a_thread", "hangs", "isolation")
        self.assertEqual(sum_of(self.compute.metrics, "souvenir_compute_instances",
                                model="in_a_thread", state="hanging"), 1)
        self.assert_others_go_on()
        wait_for(lambda: self.server.health("in_a_thread") == "SERVING", "the model to come back")
        hanging.join()
        self.assertEqual(len(answers), 1)  # the answer is late, and not lost


SLEEPER = """import time
open("begun", "w").close()
time.sleep(3600)
"""
ECHO = """import souvenir_worker
souvenir_worker.serve(lambda inputs: {"answer": inputs["text"].texts()})
"""
EXEC = """backend: "exec"
input { name: "text" data_type: TYPE_STRING dims: 1 }
output { name: "answer" data_type: TYPE_STRING dims: 1 }
"""


class HangingLoadTest(harness.ServicesTest):
    """A model that hangs while it loads holds up nothing else, and is given up when it has to
    be."""

    def setUp(self):
        super().setUp()
        self.write("echo", ECHO)
        self.compute = self.start_compute(config="""repository_poll_seconds: 1
            repository_settle_seconds: 0 drain_timeout_seconds: 30""")
        self.server = self.connect(self.compute.listen)
        self.admin = self.connect(self.compute.admin)
        self.server.infer(clients.text_request(["x"], model="echo", shape=[1]))

    def write(self, model, program, version=1):
        folder = self.services.directory / "models" / model
        (folder / str(version)).mkdir(parents=True)
        (folder / str(version) / "model.py").write_text(program)
        (folder / "config.pbtxt").write_text(EXEC)
        return folder / str(version)

    def hang(self):
        """Gives the loaded model a version that hangs while it loads, and waits until it hangs."""
        folder = self.write("echo", SLEEPER, version=2)
        wait_for((folder / "begun").exists, "the new version to be loaded")

    def states(self):
        index = self.server.inference.RepositoryIndex(oip.RepositoryIndexRequest())
        return {(model.name, model.state) for model in index.models}

    def assert_nothing_left(self, processes):
        wait_for(lambda: not [pid for pid in processes if pathlib.Path(f"/proc/{pid}").exists()],
                 "all processes to be gone")

    def test_other_folders_are_taken_up_meanwhile(self):
        self.hang()
        self.write("late", ECHO)
        wait_for(lambda: ("late", "READY") in self.states(), "the other model to be offered")
        self.server.infer(clients.text_request(["x"], model="late", shape=[1]))
        self.server.infer(clients.text_request(["x"], model="echo", shape=[1]))  # the old version

    def test_a_stop_does_not_wait_for_it(self):
        self.hang()
        processes = descendants(self.compute.pid)
        self.compute.signal(signal.SIGTERM)
        self.assertEqual(self.compute.wait(10), 0)
        self.assert_nothing_left(processes)

    def test_an_unload_ends_it(self):
        folder = self.write("sleeper", SLEEPER)
        load = self.admin.inference.RepositoryModelLoad.future(
            oip.RepositoryModelLoadRequest(model_name="sleeper"), timeout=100)
        wait_for((folder / "begun").exists, "the model to be loaded")
        self.admin.inference.RepositoryModelUnload(
            oip.RepositoryModelUnloadRequest(model_name="sleeper"), timeout=100)
        self.assertEqual(load.code(), grpc.StatusCode.UNAVAILABLE)
        self.assertIn("unloaded", load.details())

    def test_a_load_that_was_asked_for_holds_a_stop_up_no_longer_than_a_request(self):
        folder = self.write("sleeper", SLEEPER)
        compute = self.start_compute(config="drain_timeout_seconds: 1")
        load = self.connect(compute.admin).inference.RepositoryModelLoad.future(
            oip.RepositoryModelLoadRequest(model_name="sleeper"), timeout=100)
        wait_for((folder / "begun").exists, "the model to be loaded")
        compute.signal(signal.SIGTERM)
        self.assertEqual(compute.wait(12), 0)
        self.assertIn(load.code(), (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED))


if __name__ == "__main__":
    harness.main()
