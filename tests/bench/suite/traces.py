"""Miss ratios of the eviction policy on public traces and on a scan and a loop, beside LRU, with
equal costs, and beside LRU and GDSF, weighted with costs that have a heavy tail."""

import concurrent.futures
import json
import os
import subprocess

import services
from suite import frame

# Name, arguments.
WORKLOADS = (
    ("web12", ["--format=be32", "--file={traces}/web12.trace.xz"]),
    ("orm-night", ["--format=be32", "--file={traces}/orm-night.trace.xz"]),
    ("adaptsize", ["--format=text", "--file={traces}/adaptsize-request.trace.xz"]),
    ("adaptsize, real sizes",
     ["--format=text", "--sizes=trace", "--file={traces}/adaptsize-request.trace.xz"]),
    ("scan", ["--format=scan"]),
    ("loop", ["--format=loop"]),
)
POLICIES = ("s3-fifo", "lru", "gdsf", "plain-s3-fifo")


class Benchmark:

    def __init__(self, settings):
        self._settings = settings

    def measure(self):
        jobs = [(name, arguments, costs) for name, arguments in WORKLOADS
                for costs in ("equal", "heavy")]
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            return [row for rows in pool.map(lambda job: self._play(*job), jobs) for row in rows]

    def _play(self, name, arguments, costs):
        frame.say(f"traces: {name}, {costs} costs")
        arguments = [argument.format(traces=self._settings.traces) for argument in arguments]
        done = subprocess.run(
            [services.program("bench-traces"), "--json", f"--costs={costs}",
             f"--policy={','.join(POLICIES)}", *arguments],
            capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"{name}: {done.stderr.strip()}; --traces names the folder")
        ratios = {}
        for line in done.stdout.splitlines():
            result = json.loads(line)
            misses = result["miss_ratio" if costs == "equal" else "cost_miss_ratio"]
            ratios.setdefault(result["capacity"], {})[result["policy"]] = misses
        return [{"trace": name, "costs": costs, "capacity": capacity,
                 **{policy: f"{of[policy]:.4f}" for policy in POLICIES},
                 "to lru": f"{100 * (of['s3-fifo'] / of['lru'] - 1):+.1f}%",
                 "to gdsf": f"{100 * (of['s3-fifo'] / of['gdsf'] - 1):+.1f}%"}
                for capacity, of in ratios.items()]
