"""The benchmarks. Each is a module here that has a class Benchmark; frame.py says what that is."""

import dataclasses
import importlib


@dataclasses.dataclass(frozen=True)
class Entry:
    """What must be known of a benchmark before anything is built."""
    summary: str
    programs: tuple  # CMake targets
    # Whether it compares something other than rates: it has a method measure() that returns rows, a
    # dict each, in place of variants; what it measures does not depend on the time of day.
    is_exact: bool = False
    # The backend without which it cannot run, where that is one that need not be built.
    backend: str = ""


_MODELS = ("souvenir-gateway", "bench-model-server", "bench-infer-load")
_SERVICES = ("souvenir-gateway", "souvenir-compute", "souvenir-worker-apertium")

BENCHMARKS = {
    "hits": Entry("requests a second that are answered from memory, beside an empty gRPC server",
                  (*_SERVICES, "bench-echo-server", "bench-echo-server-static")),
    "misses": Entry("new sentences a second from English to Spanish, beside apertium-apy",
                    (*_SERVICES, "bench-misses", "bench-apertium-workers")),
    "unique": Entry("requests that were never made before, beside the same with caching off",
                    (*_SERVICES, *_MODELS[1:], "bench-misses")),
    "speech": Entry("recordings and texts through both services, beside the bare libraries",
                    ("souvenir-gateway", "souvenir-compute", "bench-bare-pocketsphinx",
                     "bench-bare-espeak"), backend="pocketsphinx"),
    "speech-lanes": Entry("translations while recordings are transcribed and translated to speech, "
                          "beside translations alone",
                          (*_SERVICES, "bench-misses"), backend="pocketsphinx"),
    "speech-hour": Entry("seconds of speech a second through one stream, beside the bare library",
                         ("souvenir-gateway", "souvenir-compute", "bench-bare-pocketsphinx"),
                         backend="pocketsphinx"),
    "disk": Entry("requests a second that are answered from disk, beside memory",
                  _MODELS),
    "interference": Entry("p99 of hits while models are busy, beside hits alone",
                          _MODELS),
    "pools": Entry("instances, processes and threads of models, and what the services add",
                   (*_SERVICES, "souvenir-worker-builtin", "bench-infer-load",
                    "bench-echo-server")),
    "batching": Entry("rows a second of a network in PyTorch, with dynamic batching and without",
                      ("souvenir-compute", "souvenir-worker-pytorch", "bench-scripted-mlp",
                       "bench-infer-load"), backend="pytorch"),
    "footprint": Entry("memory, bytes written and seconds to start that remembering costs",
                       (*_MODELS, "bench-memory-tier"), is_exact=True),
    "growth": Entry("microseconds of a lookup in the disk tier as it grows, beside RocksDB",
                    ("bench-store-growth",), is_exact=True),
    "memory": Entry("lookups a second of the memory tier, beside RocksDB's caches",
                    ("bench-memory-tier",)),
    "traces": Entry("miss ratios of the eviction policy on public traces, beside LRU and GDSF",
                    ("bench-traces",), is_exact=True),
}


def load(name):
    """The class. Needs the generated stubs."""
    return importlib.import_module("suite." + name.replace("-", "_")).Benchmark
