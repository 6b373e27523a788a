"""Miss ratios of the eviction policy on public traces and on a scan and a loop, beside LRU, with
equal costs, and beside LRU and GDSF, weighted with costs that have a heavy tail."""

import concurrent.futures
import json
import os
import subprocess

import services
from suite import frame

# Name, file in the folder of traces (docs/benchmarks.md says where each comes from) or none where it is
# made, arguments.
WORKLOADS = (
    ("web12", "web12.trace.xz", ["--format=be32"]),
    ("orm-night", "orm-night.trace.xz", ["--format=be32"]),
    ("adaptsize", "adaptsize-request.trace.xz", ["--format=text"]),
    ("adaptsize, real sizes", "adaptsize-request.trace.xz", ["--format=text", "--sizes=trace"]),
    ("scan", None, ["--format=scan"]),
    ("loop", None, ["--format=loop"]),
)
POLICIES = ("s3-fifo", "lru", "gdsf", "plain-s3-fifo")


class Benchmark:

    def __init__(self, settings):
        self._settings = settings
        self.left_out = []  # names of workloads, for the report

    def measure(self):
        jobs = []
        for name, file, arguments in WORKLOADS:
            path = None if file is None else self._settings.traces / file
            if path is not None and not path.is_file():
                frame.say(f"left out: traces, {name}: there is no {path}; docs/benchmarks.md says "
                          "where it comes from, and --traces names another folder")
                self.left_out.append(f"traces, {name}")
                continue
            given = [] if path is None else [f"--file={path}"]
            jobs += [(name, arguments + given, costs) for costs in ("equal", "heavy")]
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            return [row for rows in pool.map(lambda job: self._play(*job), jobs) for row in rows]

    def _play(self, name, arguments, costs):
        frame.say(f"traces: {name}, {costs} costs")
        done = subprocess.run(
            [services.program("bench-traces"), "--json", f"--costs={costs}",
             f"--policy={','.join(POLICIES)}", *arguments],
            capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"{name}: {done.stderr.strip()}")
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
