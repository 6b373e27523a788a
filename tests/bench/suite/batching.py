"""What dynamic batching brings: a small network in PyTorch, asked by many clients for one row each,
with batching and without. Asked of the compute service directly, so that nothing is remembered."""

import struct
import subprocess

import clients
import services
from suite import frame
from suite.infer_load import sample_of
from value_load import Load

CLIENTS = 64
WIDTH = 256
ON, OFF = "with batching", "one by one"

_CONFIG = f"""backend: "pytorch"
    max_batch_size: {CLIENTS}
    input {{ name: "INPUT__0" data_type: TYPE_FP32 dims: {WIDTH} }}
    output {{ name: "OUTPUT__0" data_type: TYPE_FP32 dims: {WIDTH} }}
    """
MODELS = {ON: ("mlp_batched", _CONFIG + "dynamic_batching {}"), OFF: ("mlp", _CONFIG)}


class Benchmark(frame.Stage):

    def variants(self):
        return [
            frame.Variant(ON, lambda _: self._ask(ON), OFF, demand=frame.Demand(at_least=1.5)),
            frame.Variant(OFF, lambda _: self._ask(OFF)),
        ]

    def start(self):
        running = services.Services(self._settings.directory)
        self.callback(running.stop)
        for name, config in MODELS.values():
            folder = self._settings.directory / "models" / name
            subprocess.run([services.program("bench-scripted-mlp"), f"--width={WIDTH}",
                            f"--file={folder / '1' / 'model.pt'}"], check=True)
            (folder / "config.pbtxt").write_text(config)
        self._compute = running.start_compute(config=None).listen
        for model in MODELS:
            self._ask(model)

    def _ask(self, model):
        """Small whole numbers, of which the network's answer is exact: every one must be equal."""
        request = clients.oip.ModelInferRequest(model_name=MODELS[model][0])
        request.inputs.add(name="INPUT__0", datatype="FP32", shape=[1, WIDTH])
        request.raw_input_contents.append(
            struct.pack(f"<{WIDTH}f", *(number % 7 - 3 for number in range(WIDTH))))
        path = self._settings.directory / f"{request.model_name}.request"
        path.write_bytes(request.SerializeToString())
        return sample_of(Load(self._compute, request=path, seconds=self._settings.seconds,
                              in_flight=CLIENTS, connections=CLIENTS).finish())
