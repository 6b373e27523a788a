"""The base of the tests of the Python client (clients/python): both services, with a task store."""

import re
import shutil
import sys

from services import SOURCE_DIRECTORY, TIME_FACTOR

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


def python_model():
    """Returns the model of docs/backends/exec.md: (config.pbtxt, model.py)."""
    text = (SOURCE_DIRECTORY / "docs" / "backends" / "exec.md").read_text(encoding="utf-8")
    return (re.search(r"```textproto model\n(.*?)```", text, re.DOTALL)[1],
            re.search(r"```python\n(.*?)```", text, re.DOTALL)[1])


class ClientTest(harness.ServicesTest):
    """Starts both services with a task store, and a client."""

    def setUp(self):
        super().setUp()
        models = self.services.directory / "models"
        for model in MODELS:
            shutil.copytree(SOURCE_DIRECTORY / "models" / model, models / model)
        config, program = python_model()
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
