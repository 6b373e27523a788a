"""A model that runs for longer than it may: killed where it is a process, marked where it is not, and
in nobody's way."""

import struct
import threading

import clients
import grpc
import harness
from clients import oip
from metrics import sum_of
from services import wait_for

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

        for times in (1, 2):  # the worker is made again
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
        self.assertEqual(len(answers), 1)  # late, and not lost


if __name__ == "__main__":
    harness.main()
