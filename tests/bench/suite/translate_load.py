"""bench-misses as a generator of load: texts to translate, each of them once."""

import json
import subprocess

import clients
import services
from suite import frame
from suite import lookups

IN_FLIGHT = 8
TEXTS_PER_SECOND = 4000  # more than the engine can do: a sample ends by time


def measure(server, texts, seconds, directory, kind=clients.MISS, in_flight=IN_FLIGHT):
    """A sample of the gateway that `server` is connected to; every answer has to be of `kind`."""
    path = directory / "texts"
    path.write_text("\n".join(texts) + "\n")
    wanted = {}
    with lookups.expect(server, wanted):
        done = subprocess.run(
            [services.program("bench-misses"), f"--server={server.address}", f"--texts={path}",
             f"--outstanding={in_flight}", f"--seconds={seconds}"],
            capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError(f"bench-misses ended with {done.returncode}:\n"
                               f"{done.stderr}{done.stdout}")
        report = json.loads(done.stdout)
        wanted[kind] = report["ok"]
    name = clients.translation_pb2.CacheKind.Name(kind)
    if report["kinds"] != {name: report["ok"]}:
        raise RuntimeError(f"all answers should be {name}: {report}")
    if report["ok"] == len(texts):
        raise RuntimeError(f"{len(texts)} texts were too few for {seconds} s")
    return frame.Sample(per_second=report["ok"] / report["seconds"],
                        p50_us=report["p50_us"], p99_us=report["p99_us"])
