"""The answers of the gateway, as values."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any, Dict, Iterable, List, Mapping, Optional, Tuple

from google.protobuf.timestamp_pb2 import Timestamp

from inference import grpc_service_pb2 as oip
from souvenir.errors import Error, InvalidArgument, make_error
from souvenir.tensors import Tensor
from souvenir.v1 import cache_pb2, stats_pb2, task_service_pb2, translation_pb2


@dataclass(frozen=True)
class Provenance:
    """Where answers came from."""

    # Rows by kind: {"memory": 3, "miss": 1}. docs/caching.md lists the kinds.
    rows: Mapping[str, int]
    age: float  # seconds since the oldest was computed; 0 if all were computed now
    key: str  # fingerprint, 64 hex digits; "" if there are several


@dataclass(frozen=True)
class Result:
    """The outputs of a model."""

    outputs: Mapping[str, Tensor]
    provenance: Optional[Provenance] = None  # None for a step of a job

    def __getitem__(self, name: str) -> Tensor:
        if name not in self.outputs:
            raise InvalidArgument(f"there is no output '{name}'; there are {_names(self.outputs)}")
        return self.outputs[name]

    @property
    def only(self) -> Tensor:
        """The only output."""
        if len(self.outputs) != 1:
            raise InvalidArgument(f"there are several outputs, {_names(self.outputs)}: name one")
        return next(iter(self.outputs.values()))

    def item(self) -> Any:
        """Returns the only element of the only output."""
        return self.only.item()

    def tolist(self) -> Any:
        """Returns the only output as nested lists."""
        return self.only.tolist()

    def texts(self) -> List[str]:
        """Returns the elements of the only output as text."""
        return self.only.texts()

    def numpy(self) -> Any:
        """Returns the only output as an array of numpy."""
        return self.only.numpy()


@dataclass(frozen=True)
class Translation:
    """A text in one language."""

    language: str  # canonical BCP-47
    text: str
    kind: str  # "memory", "disk", "miss", …
    age: float  # seconds
    model: str
    key: str  # fingerprint, 64 hex digits
    route: Tuple[str, ...]  # models used, in order
    error: Optional[Error]  # None: it succeeded


@dataclass(frozen=True)
class ModelStats:
    """One model's rows by kind, and the compute time that the cache saved, in seconds."""

    lookups: Mapping[str, int]
    saved_seconds: float


@dataclass(frozen=True)
class TierStats:
    """One tier of the cache."""

    entries: int
    bytes: int
    limit_bytes: int
    evictions: int


@dataclass(frozen=True)
class Stats:
    """What the gateway counted since it started."""

    started_at: datetime
    models: Mapping[str, ModelStats]
    memory: TierStats
    disk: Optional[TierStats]  # None: there is no disk tier
    flights: int  # under way
    saved_seconds: float  # of compute time


@dataclass(frozen=True)
class Entry:
    """A remembered answer."""

    key: str
    tier: str  # "memory" or "disk"
    model: str
    tenant: str
    value_bytes: int
    created_at: datetime
    expires_at: Optional[datetime]  # None: never
    compute_seconds: float
    tags: Tuple[str, ...]
    refusal: Optional[Error]  # a remembered refusal has no value


@dataclass(frozen=True)
class Progress:
    """The steps of a job, by what has become of them."""

    total: int
    waiting: int
    running: int
    succeeded: int
    failed: int
    skipped: int
    cancelled: int

    @property
    def done(self) -> int:
        """Steps that have ended."""
        return self.succeeded + self.failed + self.skipped + self.cancelled

    @property
    def fraction(self) -> float:
        """The share of the steps that have ended, 0 to 1."""
        return self.done / self.total if self.total else 1.0


@dataclass(frozen=True)
class DeadLetter:
    """A step that failed for good."""

    step: str
    model: str
    queue: str
    attempts: int
    reason: str  # "PERMANENT", "ATTEMPTS_EXHAUSTED", "LOST"
    error: Error


@dataclass(frozen=True)
class Queue:
    """A queue of steps. `max_running` is 0 if only the gateway's own limit holds."""

    name: str
    paused: bool
    ready: int
    running: int
    max_running: int


@dataclass(frozen=True)
class ModelInfo:
    """A model's tensors: {name: (datatype, shape)}, with -1 for any size."""

    name: str
    inputs: Mapping[str, Tuple[str, Tuple[int, ...]]]
    outputs: Mapping[str, Tuple[str, Tuple[int, ...]]]
    versions: Tuple[str, ...] = field(default=())


def _names(names: Iterable[str]) -> str:
    return ", ".join(f"'{name}'" for name in names)


def _time(stamp: Timestamp) -> datetime:
    time: datetime = stamp.ToDatetime(tzinfo=timezone.utc)
    return time


def _kind(number: int) -> str:
    name: str = translation_pb2.CacheKind.Name(number)
    return name.removeprefix("CACHE_KIND_").lower()


def read_provenance(metadata: Mapping[str, str]) -> Optional[Provenance]:
    """Reads what a ModelInfer call tells in its initial metadata."""
    counts = metadata.get("souvenir-cache")
    if counts is None:  # not a gateway
        return None
    pairs = (part.partition("=") for part in counts.split(",") if part)
    return Provenance({kind: int(count) for kind, _, count in pairs},
                      float(metadata.get("age", "0")), metadata.get("souvenir-key", ""))


def read_inference(response: oip.ModelInferResponse, metadata: Mapping[str, str]) -> Result:
    """Reads the answer of ModelInfer. The gateway always answers with raw contents."""
    outputs = {output.name: Tensor(output.datatype, tuple(output.shape), raw)
               for output, raw in zip(response.outputs, response.raw_output_contents)}
    return Result(outputs, read_provenance(metadata))


def read_model(response: oip.ModelMetadataResponse, _: Mapping[str, str]) -> ModelInfo:
    """Reads a model's metadata."""

    def tensors(described: Iterable[Any]) -> Dict[str, Tuple[str, Tuple[int, ...]]]:
        return {tensor.name: (tensor.datatype, tuple(tensor.shape)) for tensor in described}

    return ModelInfo(response.name, tensors(response.inputs), tensors(response.outputs),
                     tuple(response.versions))


def read_translations(response: translation_pb2.TranslateResponse,
                      _: Mapping[str, str]) -> List[Translation]:
    """Reads all targets of a translation."""
    return [Translation(
        target.target_language, target.text, _kind(target.provenance.kind),
        target.provenance.age.ToTimedelta().total_seconds(), target.provenance.model,
        target.provenance.key, tuple(target.route),
        make_error(target.status.code, target.status.message) if target.status.code else None)
        for target in response.translations]


def _read_tier(tier: stats_pb2.TierStats) -> TierStats:
    return TierStats(tier.entries, tier.bytes, tier.limit_bytes, tier.evictions)


def read_stats(response: stats_pb2.GetStatsResponse, _: Mapping[str, str]) -> Stats:
    """Reads the gateway's statistics."""
    models = {model.model: ModelStats(
        {_kind(lookup.kind): lookup.rows for lookup in model.lookups},
        model.saved_compute_time.ToTimedelta().total_seconds()) for model in response.models}
    return Stats(_time(response.started_at), models, _read_tier(response.memory),
                 _read_tier(response.disk) if response.HasField("disk") else None,
                 response.flights.in_progress,
                 response.saved_compute_time.ToTimedelta().total_seconds())


def read_entry(response: cache_pb2.GetEntryResponse, _: Mapping[str, str]) -> Entry:
    """Reads what is known of a remembered answer."""
    return Entry(
        response.key, _kind(response.tier), response.model, response.tenant, response.value_bytes,
        _time(response.created_at),
        _time(response.expires_at) if response.HasField("expires_at") else None,
        response.compute_time.ToTimedelta().total_seconds(), tuple(response.tags),
        make_error(response.refusal.code, response.refusal.message)
        if response.HasField("refusal") else None)


def read_match(response: cache_pb2.InvalidateResponse, _: Mapping[str, str]) -> Optional[bool]:
    """Reads if an invalidation named anything; None: not known."""
    return {cache_pb2.INVALIDATE_MATCH_FOUND: True,
            cache_pb2.INVALIDATE_MATCH_NOTHING: False}.get(response.match)


def read_progress(job: task_service_pb2.Job) -> Progress:
    """Reads the counts of a job."""
    steps = job.steps
    return Progress(steps.total, steps.waiting, steps.running, steps.succeeded, steps.failed,
                    steps.skipped, steps.cancelled)


def read_queue(queue: task_service_pb2.Queue, _: Mapping[str, str]) -> Queue:
    """Reads one queue."""
    return Queue(queue.name, queue.paused, queue.ready, queue.running, queue.max_running)


def read_queues(response: task_service_pb2.ListQueuesResponse,
                _: Mapping[str, str]) -> Dict[str, Queue]:
    """Reads all queues, by name."""
    return {queue.name: read_queue(queue, _) for queue in response.queues}


def read_dead_letters(response: task_service_pb2.ListDeadLettersResponse) -> List[DeadLetter]:
    """Reads a page of dead letters."""
    return [DeadLetter(
        letter.step, letter.model, letter.queue, letter.attempts,
        task_service_pb2.DeadLetterReason.Name(letter.reason).removeprefix("DEAD_LETTER_REASON_"),
        make_error(letter.status.code, letter.status.message)) for letter in response.dead_letters]


def read_outputs(outputs: Iterable[task_service_pb2.OutputTensor]) -> Result:
    """Reads outputs that came with their bytes."""
    return Result({output.name: Tensor(output.datatype, tuple(output.shape), output.raw)
                   for output in outputs})
