"""The calls of the gateway: their requests, metadata and answers. Both clients, the one that waits
(souvenir/client.py) and the one for asyncio (souvenir/aio.py), make their calls of these."""

from __future__ import annotations

from dataclasses import dataclass
from typing import (Any, Callable, Dict, Generic, List, Mapping, Optional, Sequence, Tuple, TypeVar,
                    Union)

from inference import grpc_service_pb2 as oip
from inference import grpc_service_pb2_grpc as oip_grpc
from souvenir import results
from souvenir.errors import InvalidArgument
from souvenir.graph import set_parameters
from souvenir.results import ModelInfo, Translation
from souvenir.signatures import Parameter
from souvenir.tensors import encode
from souvenir.v1 import (cache_pb2, cache_pb2_grpc, stats_pb2, stats_pb2_grpc, task_service_pb2,
                         task_service_pb2_grpc, translation_pb2, translation_pb2_grpc)

R = TypeVar("R")

DEFAULT_ADDRESS = "127.0.0.1:8001"
DEFAULT_ADMIN = "127.0.0.1:8003"
DEFAULT_SECONDS = 60.0
# A gateway that restarts is waited for so long, while a job is submitted or watched.
DEFAULT_RECONNECT_SECONDS = 30.0

CHANNEL_OPTIONS = (
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
    # A gateway that comes back is found within two seconds. gRPC's default is up to two minutes.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 1000),
    ("grpc.max_reconnect_backoff_ms", 2000),
    # A machine that has vanished closes no connection, and a watch may be silent for hours. The
    # gateway allows a ping every five seconds (connections.min_ping_interval_ms).
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.http2.max_pings_without_data", 0),
)


class Stubs:
    """The services of one port, on a channel of either kind."""

    def __init__(self, channel: Any):
        self.inference = oip_grpc.GRPCInferenceServiceStub(channel)
        self.translation = translation_pb2_grpc.TranslationServiceStub(channel)
        self.stats = stats_pb2_grpc.StatsServiceStub(channel)
        self.cache = cache_pb2_grpc.CacheServiceStub(channel)
        self.tasks = task_service_pb2_grpc.TaskServiceStub(channel)


@dataclass(frozen=True)
class CacheControl:
    """How the cache is used for one call, with HTTP's meaning. Times are in seconds."""

    no_cache: bool = False  # compute, and remember the answer
    no_store: bool = False  # compute, and do not remember it
    only_if_cached: bool = False  # FailedPrecondition if there is no answer
    max_age: Optional[int] = None  # no answer older than that
    stale_while_revalidate: Optional[int] = None
    stale_if_error: Optional[int] = None
    tags: Sequence[str] = ()  # by which the answer may be invalidated

    def metadata(self) -> List[Tuple[str, str]]:
        """Returns the metadata that say so."""
        directives = [name for name, wanted in (
            ("no-cache", self.no_cache), ("no-store", self.no_store),
            ("only-if-cached", self.only_if_cached)) if wanted]
        directives += [f"{name}={seconds}" for name, seconds in (
            ("max-age", self.max_age), ("stale-while-revalidate", self.stale_while_revalidate),
            ("stale-if-error", self.stale_if_error)) if seconds is not None]
        metadata = [("cache-control", ", ".join(directives))] if directives else []
        return metadata + ([("souvenir-tags", ",".join(self.tags))] if self.tags else [])


@dataclass(frozen=True)
class Call(Generic[R]):
    """A call with one answer."""

    service: str  # an attribute of Stubs
    method: str
    request: Any
    # Reads the answer and its initial metadata.
    read: Callable[[Any, Mapping[str, str]], R]
    admin: bool = False  # it goes to the admin port
    cache: Optional[CacheControl] = None

    def metadata(self, tenant: Optional[str]) -> List[Tuple[str, str]]:
        """Returns the metadata of the call."""
        return tenant_metadata(tenant) + (self.cache.metadata() if self.cache else [])


def tenant_metadata(tenant: Optional[str]) -> List[Tuple[str, str]]:
    """Returns the metadata that name the caller's tenant."""
    return [] if tenant is None else [("souvenir-tenant", tenant)]


def translate(text: str, to: Union[str, Sequence[str]], source: str, engine: str,
              cache: Optional[CacheControl]) -> Call[List[Translation]]:
    """Translates into one or more languages."""
    return Call("translation", "Translate", translation_pb2.TranslateRequest(
        text=text, source_language=source, target_languages=[to] if isinstance(to, str) else to,
        engine=engine), results.read_translations, cache=cache)


def only_translation(translations: Sequence[Translation]) -> Translation:
    """Returns the only translation, or raises its error."""
    (translation,) = translations
    if translation.error is not None:
        raise translation.error
    return translation


def model_info(name: str, version: str) -> Call[ModelInfo]:
    """Describes a model."""
    return Call("inference", "ModelMetadata", oip.ModelMetadataRequest(name=name, version=version),
                results.read_model)


def infer(model: ModelInfo, version: str, inputs: Mapping[str, Any],
          parameters: Optional[Mapping[str, Parameter]], outputs: Sequence[str],
          cache: Optional[CacheControl]) -> Call[results.Result]:
    """Asks a model."""
    request = oip.ModelInferRequest(model_name=model.name, model_version=version)
    for name, value in inputs.items():
        if name not in model.inputs:
            raise InvalidArgument(f"model '{model.name}' has no input '{name}'; it has "
                                  f"{', '.join(model.inputs)}")
        tensor = encode(value, *model.inputs[name], name)
        request.inputs.add(name=name, datatype=tensor.datatype, shape=tensor.shape)
        request.raw_input_contents.append(tensor.raw)
    for name in outputs:
        request.outputs.add(name=name)
    set_parameters(parameters or {}, request.parameters)
    return Call("inference", "ModelInfer", request, results.read_inference, cache=cache)


def stats() -> Call[results.Stats]:
    """Reads the gateway's statistics."""
    return Call("stats", "GetStats", stats_pb2.GetStatsRequest(), results.read_stats)


def entry(key: str) -> Call[results.Entry]:
    """Describes a remembered answer."""
    return Call("cache", "GetEntry", cache_pb2.GetEntryRequest(key=key), results.read_entry,
                admin=True)


def invalidate(key: Optional[str], tag: Optional[str], model: Optional[str], tenant: Optional[str],
               everything: bool) -> Call[Optional[bool]]:
    """Forgets answers."""
    scope: Dict[str, Any] = {name: value for name, value in (
        ("key", key), ("tag", tag), ("model", model), ("tenant", tenant)) if value is not None}
    if everything:
        scope["all"] = True
    if len(scope) != 1:
        raise InvalidArgument("invalidate takes one of key, tag, model, tenant, everything=True; "
                              f"{', '.join(scope) or 'none'} came")
    return Call("cache", "Invalidate", cache_pb2.InvalidateRequest(**scope), results.read_match,
                admin=True)


def queues() -> Call[Dict[str, results.Queue]]:
    """Lists the queues of steps."""
    return Call("tasks", "ListQueues", task_service_pb2.ListQueuesRequest(), results.read_queues)


def pause_queue(name: str) -> Call[results.Queue]:
    """Starts no step of a queue any more."""
    return Call("tasks", "PauseQueue", task_service_pb2.PauseQueueRequest(name=name),
                results.read_queue, admin=True)


def resume_queue(name: str) -> Call[results.Queue]:
    """Lets a paused queue go on."""
    return Call("tasks", "ResumeQueue", task_service_pb2.ResumeQueueRequest(name=name),
                results.read_queue, admin=True)


def limit_queue(name: str, max_running: int) -> Call[results.Queue]:
    """Sets how many steps of a queue run at once."""
    return Call("tasks", "SetQueueLimits", task_service_pb2.SetQueueLimitsRequest(
        name=name, max_running=max_running), results.read_queue, admin=True)


def _read_job(job: task_service_pb2.Job, _: Mapping[str, str]) -> task_service_pb2.Job:
    return job


def _read_changed_job(response: Any, _: Mapping[str, str]) -> task_service_pb2.Job:
    job: task_service_pb2.Job = response.job
    return job


def get_job(job_id: str) -> Call[task_service_pb2.Job]:
    """Reads a job's state."""
    return Call("tasks", "GetJob", task_service_pb2.GetJobRequest(job_id=job_id),
                _read_job)


def cancel(job_id: str) -> Call[task_service_pb2.Job]:
    """Ends a job."""
    return Call("tasks", "Cancel", task_service_pb2.CancelRequest(job_id=job_id),
                _read_changed_job)


def retry(job_id: str) -> Call[task_service_pb2.Job]:
    """Runs again what has not succeeded."""
    return Call("tasks", "Retry", task_service_pb2.RetryRequest(job_id=job_id),
                _read_changed_job)


def dead_letters(job_id: str, token: str) -> Call[Tuple[List[results.DeadLetter], str]]:
    """Reads a page of a job's dead letters, and the token of the next page."""
    return Call("tasks", "ListDeadLetters",
                task_service_pb2.ListDeadLettersRequest(job_id=job_id, page_token=token),
                lambda response, _: (results.read_dead_letters(response), response.next_page_token))
