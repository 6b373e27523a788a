"""What both clients know of jobs under way, without any waiting or sending of its own."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass, replace
from typing import Any, Callable, Dict, Generic, Iterable, List, Mapping, Optional, Sequence, Tuple

import grpc

from souvenir import results
from souvenir.errors import (DeadlineExceeded, Error, InvalidArgument, TaskFailed, TaskRevoked,
                             code_of, from_rpc)
from souvenir.graph import LEAF, arrange
from souvenir.results import Result
from souvenir.signatures import J, JobOptions, Signature, Submitter, steps_of
from souvenir.tensors import Tensor
from souvenir.v1 import task_service_pb2 as pb

# Results up to this size come with the events of a watch, where many are wanted.
_EVENT_RESULT_BYTES = 64 << 10
# Fewer results than these are asked for one by one at the end.
_FEW_RESULTS = 8
# A watch is opened anew after so long, from the event where it stood. gRPC 1.51 may forget a stream
# that was opened while its connection broke: the stream then neither fails nor gets anything.
RENEWAL_SECONDS = 10.0
_FIRST_PAUSE_SECONDS = 0.05
_LONGEST_PAUSE_SECONDS = 2.0


def models_of(signature: Signature[J], options: JobOptions,
              client: Submitter[J]) -> List[Tuple[str, str]]:
    """Returns the models of a job, by name and version. All must belong to the client."""
    found: Dict[Tuple[str, str], None] = {}
    for part in (signature, options.link_error):
        for step in steps_of(part) if part is not None else ():
            if step.task.client is not client:
                raise InvalidArgument(
                    f"the model '{step.task.name}' belongs to another client than the job")
            found[step.task.name, step.options.version or ""] = None
    return list(found)


class Patience:
    """Decides if a call that failed is made again, and after which pause. Gives up after `seconds`
    in which none has worked."""

    def __init__(self, seconds: float, transient: Iterable[grpc.StatusCode],
                 clock: Callable[[], float] = time.monotonic):
        self._seconds = seconds
        self._transient = frozenset(transient)
        self._clock = clock
        self._failing_since: Optional[float] = None
        self._pause = _FIRST_PAUSE_SECONDS

    def worked(self) -> None:
        """Tells that a call has worked."""
        self._failing_since = None
        self._pause = _FIRST_PAUSE_SECONDS

    def pause_after(self, error: grpc.RpcError) -> float:
        """Returns the seconds to wait, or raises the error."""
        now = self._clock()
        if self._failing_since is None:
            self._failing_since = now
        if error.code() not in self._transient or now - self._failing_since >= self._seconds:
            raise from_rpc(error) from None
        pause = self._pause
        self._pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)
        return pause * random.uniform(0.5, 1)


def patience_of_submission(seconds: float) -> Patience:
    """A submission has an idempotency key, so that it may be sent again."""
    return Patience(seconds, [grpc.StatusCode.UNAVAILABLE])


def patience_of_reading(seconds: float) -> Patience:
    """What only reads may always be asked again."""
    return Patience(seconds, [grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.RESOURCE_EXHAUSTED])


def patience_of_watching(seconds: float) -> Patience:
    """A gateway that stops may end a watch with CANCELLED. (With GetResult, it is a step's status.)"""
    return Patience(seconds, [grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.RESOURCE_EXHAUSTED,
                              grpc.StatusCode.CANCELLED])


@dataclass(frozen=True)
class Member:
    """One of the steps whose results are the job's, after it has ended. `position` counts from 0 in
    the order in which they were written."""

    position: int
    step: str  # its id
    state: str  # "SUCCEEDED", "FAILED", "SKIPPED" or "CANCELLED"
    attempts: int
    result: Optional[Result]
    error: Optional[TaskFailed]

    @property
    def lacks_result(self) -> bool:
        """True if it has a result that did not come with its event."""
        return self.result is None and self.error is None

    def get(self) -> Result:
        """Returns the result, or raises the error."""
        if self.error is not None:
            raise self.error
        assert self.result is not None
        return self.result


class Watch:
    """What a job has told so far. One object serves one reading of the events, over as many
    connections as it takes."""

    def __init__(self, job: BaseResult[Any], with_results: bool, patience: Patience):
        self.job: Optional[pb.Job] = None  # once it has ended
        self.failed_step: Optional[str] = None  # the first that failed
        # True after a connection has ended. The gateway is then asked for the job before the next
        # one, because a watch without events does not tell if the gateway is there.
        self.was_open = False
        self.patience = patience
        self._id = job.id
        self._next = job.first_sequence
        self._positions = job.positions
        self._max_result_bytes = _EVENT_RESULT_BYTES if with_results else 0

    def request(self) -> pb.WatchRequest:
        """Returns the request that goes on where the events broke off."""
        return pb.WatchRequest(job_id=self._id, from_sequence=self._next,
                               max_result_bytes=self._max_result_bytes)

    def note(self, job: pb.Job) -> float:
        """Notes the state of a job whose events have ended without its end. Returns the seconds to
        wait before the next request."""
        if job.state != pb.JOB_STATE_RUNNING:
            self.job = job
        return _FIRST_PAUSE_SECONDS

    def take(self, event: pb.JobEvent) -> Optional[Member]:
        """Notes an event. Returns the member that it is about, or None."""
        self.patience.worked()
        self._next = event.sequence + 1
        if event.WhichOneof("event") == "job":
            # The event of an earlier end, before a retry, tells the present state.
            if event.job.state != pb.JOB_STATE_RUNNING:
                self.job = event.job
            return None
        step = event.step
        if step.state == pb.STEP_STATE_FAILED and self.failed_step is None:
            self.failed_step = step.id
        position = step.number if self._positions is None else self._positions.get(step.id)
        if position is None:
            return None
        error = None
        state = pb.StepState.Name(step.state).removeprefix("STEP_STATE_")
        if step.state != pb.STEP_STATE_SUCCEEDED:
            error = _step_error(self._id, step, state)
        return Member(position, step.id, state, step.attempts,
                      results.read_outputs(step.outputs) if step.outputs else None, error)

    def late(self, timeout: float) -> DeadlineExceeded:
        """Returns the error of a caller who does not wait any longer."""
        return DeadlineExceeded(f"the job {self._id} has not ended within {timeout:g} s")


def _step_error(job_id: str, step: pb.StepEnded, state: str) -> TaskFailed:
    if step.state == pb.STEP_STATE_FAILED:
        return TaskFailed(step.status.message, code_of(step.status.code), job_id, step.id)
    if step.state == pb.STEP_STATE_CANCELLED:
        return TaskRevoked(f"the step '{step.id}' was cancelled with its job", None, job_id,
                           step.id)
    return TaskFailed(f"the step '{step.id}' was {state.lower()}, because another one has failed",
                      grpc.StatusCode.FAILED_PRECONDITION, job_id, step.id)


class ResultReader:
    """Puts a result together from the chunks of GetResult."""

    def __init__(self) -> None:
        self._outputs: Sequence[pb.OutputTensor] = ()
        self._data: List[bytes] = []

    def take(self, chunk: pb.ResultChunk) -> None:
        """Notes a chunk."""
        if chunk.WhichOneof("chunk") == "header":
            self._outputs = chunk.header.outputs
        else:
            self._data.append(chunk.data)

    def result(self) -> Result:
        """Returns the result, after the last chunk."""
        data, at, outputs = b"".join(self._data), 0, {}
        for output in self._outputs:
            outputs[output.name] = Tensor(output.datatype, tuple(output.shape),
                                          data[at:at + output.raw_bytes])
            at += output.raw_bytes
        return Result(outputs)


class BaseResult(Generic[J]):
    """A job that was submitted, as both clients know it."""

    def __init__(self, job_id: str, ends: Optional[Sequence[str]] = None,
                 form: Sequence[str] = (LEAF,)):
        self.id = job_id
        self.first_sequence = 1
        # The positions of the steps whose results are the job's. None: not known, because the job
        # was submitted elsewhere.
        self.positions: Optional[Mapping[str, int]] = None
        if ends is not None:
            self.positions = {step: position for position, step in enumerate(ends)}
        self.ends = [""] if ends is None else list(ends)
        self._form = form

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.id}>"

    def wants_many(self) -> bool:
        """True if so many results are wanted that they should come with the events."""
        return len(self.ends) > _FEW_RESULTS

    def values(self, ended: Sequence[Any]) -> Any:
        """Returns the results of `ends` in the form of the signature."""
        return arrange(self._form, ended)

    def check(self, watch: Watch) -> None:
        """Raises TaskFailed if the job, which has ended, has not succeeded."""
        assert watch.job is not None
        if watch.job.state == pb.JOB_STATE_CANCELLED:
            raise TaskRevoked(f"the job {self.id} was revoked", None, self.id)
        if watch.job.state == pb.JOB_STATE_FAILED:
            status = watch.job.status
            raise TaskFailed(status.message, code_of(status.code), self.id, watch.failed_step)

    def told(self, members: Mapping[int, Member], position: int) -> Any:
        """Returns the result or the error that came with an event, or None."""
        member = members.get(position)
        return None if member is None else member.error or member.result

    def as_failure(self, error: Error, step: str) -> TaskFailed:
        """Returns an error of GetResult as the step's."""
        cls = TaskRevoked if error.code is grpc.StatusCode.CANCELLED else TaskFailed
        return cls(error.message, error.code, self.id, step)


def with_result(member: Member, result: Result) -> Member:
    """Returns a member with the result that did not come with its event."""
    return replace(member, result=result)


def status_of(job: pb.Job) -> str:
    """Returns "RUNNING", "SUCCEEDED", "FAILED" or "CANCELLED"."""
    name: str = pb.JobState.Name(job.state)
    return name.removeprefix("JOB_STATE_")
