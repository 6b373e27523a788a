"""The client whose calls wait for their answers."""

from __future__ import annotations

import threading
import time
from typing import (Any, Dict, Iterable, Iterator, List, Mapping, Optional, Sequence, Tuple,
                    TypeVar, Union, overload)

import grpc

from souvenir import calls, signatures
from souvenir.calls import CacheControl, Call, Stubs
from souvenir.errors import Error, InvalidArgument, from_rpc
from souvenir.graph import Graph, build
from souvenir.jobs import (RENEWAL_SECONDS, BaseResult, Member, ResultReader, Watch, models_of,
                           patience_of_reading, patience_of_submission, patience_of_watching,
                           status_of, with_result)
from souvenir.results import (DeadLetter, Entry, ModelInfo, Progress, Queue, Result, Stats,
                              Translation, read_progress)
from souvenir.signatures import JobOptions, Parameter, Signature
from souvenir.v1 import task_service_pb2 as pb

R = TypeVar("R")


class Client:
    """A client of one gateway. Thread-safe. Close it, or use it as a context manager.

        with souvenir.Client() as client:
            print(client.translate("Hello", to="es", source="en").text)

    Every call raises souvenir.Error if it fails. `timeout` is the time of one call in seconds; each
    call may be given another one. Jobs outlive the client."""

    def __init__(self, address: str = calls.DEFAULT_ADDRESS, *, tenant: Optional[str] = None,
                 timeout: float = calls.DEFAULT_SECONDS, admin: str = calls.DEFAULT_ADMIN,
                 reconnect: float = calls.DEFAULT_RECONNECT_SECONDS):
        """`admin` is the gateway's admin address, for the calls about cache and queues. A gateway
        that restarts is waited for `reconnect` seconds, while a job is submitted or watched."""
        self.address = address
        self.timeout = timeout
        self.reconnect = reconnect
        self._tenant = tenant
        self._channels = {is_admin: grpc.insecure_channel(where, options=calls.CHANNEL_OPTIONS)
                          for is_admin, where in ((False, address), (True, admin))}
        self._stubs = {is_admin: Stubs(channel) for is_admin, channel in self._channels.items()}
        self._models: Dict[Tuple[str, str], ModelInfo] = {}

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()

    def close(self) -> None:
        """Ends the connections and the calls under way. Idempotent."""
        for channel in self._channels.values():
            channel.close()

    @overload
    def translate(self, text: str, to: str, source: str, *, engine: str = "",  # type: ignore[misc]
                  cache: Optional[CacheControl] = None,
                  timeout: Optional[float] = None) -> Translation: ...

    @overload
    def translate(self, text: str, to: Sequence[str], source: str, *, engine: str = "",
                  cache: Optional[CacheControl] = None,
                  timeout: Optional[float] = None) -> List[Translation]: ...

    def translate(self, text: str, to: Union[str, Sequence[str]], source: str, *, engine: str = "",
                  cache: Optional[CacheControl] = None,
                  timeout: Optional[float] = None) -> Union[Translation, List[Translation]]:
        """Translates into a language, or into several, which are BCP-47 tags. Of several, each has
        its own `error`; a single one raises it."""
        found = self._run(calls.translate(text, to, source, engine, cache), timeout)
        return calls.only_translation(found) if isinstance(to, str) else found

    def infer(self, model: str, inputs: Mapping[str, Any], *, version: str = "",
              parameters: Optional[Mapping[str, Parameter]] = None, outputs: Sequence[str] = (),
              cache: Optional[CacheControl] = None, timeout: Optional[float] = None) -> Result:
        """Asks a model. Inputs are arrays of numpy, numbers, text, bytes, or lists of these; lists
        take the datatype that the model declares. `outputs` names those that are wanted, () all."""
        try:
            return self._run(calls.infer(self.model_info(model, version), version, inputs,
                                         parameters, outputs, cache), timeout)
        except InvalidArgument:
            self._models.pop((model, version), None)  # it may have changed
            raise

    def model_info(self, model: str, version: str = "") -> ModelInfo:
        """Returns a model's tensors. They are asked for once, and again after a request that did
        not fit."""
        key = (model, version)
        if key not in self._models:
            self._models[key] = self._run(calls.model_info(model, version))
        return self._models[key]

    def stats(self) -> Stats:
        """Returns what the gateway counted since it started."""
        return self._run(calls.stats())

    def entry(self, key: str) -> Entry:
        """Returns what is known of a remembered answer. Goes to the admin address, as do all calls
        below up to limit_queue()."""
        return self._run(calls.entry(key))

    def invalidate(self, *, key: Optional[str] = None, tag: Optional[str] = None,
                   model: Optional[str] = None, tenant: Optional[str] = None,
                   everything: bool = False) -> Optional[bool]:
        """Forgets the answers of one scope. Tells if there were any; None: not known."""
        return self._run(calls.invalidate(key, tag, model, tenant, everything))

    def pause_queue(self, name: str) -> Queue:
        """Starts no step of a queue any more. Those that run go on. Durable."""
        return self._run(calls.pause_queue(name))

    def resume_queue(self, name: str) -> Queue:
        """Lets a paused queue go on. Durable."""
        return self._run(calls.resume_queue(name))

    def limit_queue(self, name: str, max_running: int) -> Queue:
        """Sets how many steps of a queue run at once; 0: the gateway's limit alone. Durable."""
        return self._run(calls.limit_queue(name, max_running))

    def queues(self) -> Dict[str, Queue]:
        """Returns the queues of steps, by name."""
        return self._run(calls.queues())

    def model(self, name: str, version: str = "") -> Task:
        """Returns a model as a task, which can be called and put into jobs. Asks nothing yet."""
        return Task(self, name, version)

    def job(self, job_id: str) -> AsyncResult:
        """Returns a job that was submitted elsewhere. Its get() returns the result of its last
        step, and its as_completed() all steps."""
        return AsyncResult(self, job_id)

    def submit(self, signature: Signature[AsyncResult], **options: Any) -> AsyncResult:
        """Submits a signature as one job, with JobOptions as keywords. When it returns, the job is
        on the gateway's disk. Sent again if the gateway was away, which makes no second job."""
        job = JobOptions(**options)
        names = models_of(signature, job, self)
        try:
            graph = build(signature, {name: self.model_info(*name) for name in names}, job)
            return AsyncResult(self, self._send(graph), graph.ends, graph.form)
        except InvalidArgument:
            for name in names:
                self._models.pop(name, None)
            raise

    def _send(self, graph: Graph) -> str:
        patience = patience_of_submission(self.reconnect)
        whole = graph.whole()
        while True:
            try:
                stub, about = self._tasks()
                answer = (stub.SubmitJob(whole, **about) if whole is not None
                          else stub.Submit(graph.pieces(), **about))
                job_id: str = answer.job_id
                return job_id
            except grpc.RpcError as error:
                time.sleep(patience.pause_after(error))

    def _tasks(self) -> Tuple[Any, Dict[str, Any]]:
        return self._stubs[False].tasks, {"metadata": calls.tenant_metadata(self._tenant),
                                          "timeout": self.timeout}

    def _run(self, call: Call[R], timeout: Optional[float] = None) -> R:
        method = getattr(getattr(self._stubs[call.admin], call.service), call.method)
        try:
            response, made = method.with_call(
                call.request, timeout=self.timeout if timeout is None else timeout,
                metadata=call.metadata(self._tenant))
        except grpc.RpcError as error:
            raise from_rpc(error) from None
        return call.read(response, {key: value for key, value in made.initial_metadata()})


class Task(signatures.Task["AsyncResult"]):
    """A model that can be called, and put into jobs."""

    client: Client

    def __call__(self, inputs: Optional[Mapping[str, Any]] = None, /, **named: Any) -> Result:
        """Asks the model now, without a job."""
        return self.client.infer(self.name, {**(inputs or {}), **named}, version=self.version)


class AsyncResult(BaseResult["AsyncResult"]):
    """A job that was submitted. Its `id` is enough to find it again, with Client.job()."""

    def __init__(self, client: Client, job_id: str, ends: Optional[Sequence[str]] = None,
                 form: Optional[Sequence[str]] = None):
        super().__init__(job_id, ends, *(() if form is None else (form,)))
        self._client = client

    @property
    def status(self) -> str:
        """ "RUNNING", "SUCCEEDED", "FAILED" or "CANCELLED", as of now."""
        return status_of(self._job())

    def ready(self) -> bool:
        """Returns True if the job has ended, in whichever way."""
        return self.status != "RUNNING"

    def successful(self) -> bool:
        """Returns True if every step has succeeded."""
        return self.status == "SUCCEEDED"

    def failed(self) -> bool:
        """Returns True if the job has ended because a step failed."""
        return self.status == "FAILED"

    def progress(self) -> Progress:
        """Returns the counts of the steps."""
        return read_progress(self._job())

    def get(self, timeout: Optional[float] = None, propagate: bool = True) -> Any:
        """Waits for the end of the job, and returns the Result of its last step; for a group, the
        list of its members' results.

        Raises TaskFailed or TaskRevoked if it has not succeeded, and DeadlineExceeded after
        `timeout` seconds; the job goes on then. Without `propagate`, exceptions stand in the places
        of the results that there are not."""
        watch = self._watch(self.wants_many())
        members = {member.position: member for member in self._members(watch, timeout)}
        if propagate:
            self.check(watch)
        return self.values([self.told(members, position) or self._end(step, propagate)
                            for position, step in enumerate(self.ends)])

    def as_completed(self, timeout: Optional[float] = None) -> Iterator[Member]:
        """Returns the members of a group as they end, each with its result or its error; for other
        jobs, the last step. After retry(), those that run again. Raises DeadlineExceeded after
        `timeout` seconds."""
        for member in self._members(self._watch(True), timeout):
            yield with_result(member, self.step(member.step)) if member.lacks_result else member

    def step(self, step: str) -> Result:
        """Returns the result of any step, by its id; "" is the job's result step. Raises the step's
        error, or FailedPrecondition if it has not ended."""
        patience = patience_of_reading(self._client.reconnect)
        while True:
            reader = ResultReader()
            stub, about = self._client._tasks()
            request = pb.GetResultRequest(job_id=self.id, step=step)
            try:
                for chunk in stub.GetResult(request, **about):
                    reader.take(chunk)
                return reader.result()
            except grpc.RpcError as error:
                time.sleep(patience.pause_after(error))

    def dead_letters(self) -> List[DeadLetter]:
        """Returns the steps that failed for good."""
        found, token = self._client._run(calls.dead_letters(self.id, ""))
        while token:
            more, token = self._client._run(calls.dead_letters(self.id, token))
            found += more
        return found

    def revoke(self) -> None:
        """Ends the job: no step starts any more, and those that run are given up. Durable when it
        returns; the status changes when all its steps have ended. A job that has ended stays as it
        is."""
        self._client._run(calls.cancel(self.id))

    def retry(self) -> None:
        """Runs again what has not succeeded of a job that has ended."""
        job = self._job()
        self._client._run(calls.retry(self.id))
        self.first_sequence = job.next_sequence

    def _job(self) -> pb.Job:
        return self._client._run(calls.get_job(self.id))

    def _end(self, step: str, propagate: bool) -> Union[Result, Error]:
        try:
            return self.step(step)
        except Error as error:
            if propagate:
                raise
            return self.as_failure(error, step)

    def _watch(self, with_results: bool) -> Watch:
        return Watch(self, with_results, patience_of_watching(self._client.reconnect))

    def _members(self, watch: Watch, timeout: Optional[float]) -> Iterable[Member]:
        deadline = float("inf") if timeout is None else time.monotonic() + timeout
        while watch.job is None:
            left = deadline - time.monotonic()
            stub, about = self._client._tasks()
            alarm = None
            try:
                if watch.was_open:
                    seconds = max(min(left, about["timeout"]), 0)
                    stub.GetJob(pb.GetJobRequest(job_id=self.id), **{**about, "timeout": seconds})
                    watch.patience.worked()
                watch.was_open = True
                alarm = _Alarm(stub.Watch(watch.request(), metadata=about["metadata"]),
                               max(min(left, RENEWAL_SECONDS), 0))
                for event in alarm.call:
                    member = watch.take(event)
                    if member is not None:
                        yield member
                if watch.job is None:
                    time.sleep(watch.note(self._job()))
            except grpc.RpcError as error:
                left = deadline - time.monotonic()
                if left <= 0:
                    assert timeout is not None
                    raise watch.late(timeout) from None
                if alarm is None or not alarm.rang:
                    time.sleep(min(watch.patience.pause_after(error), left))
            finally:
                if alarm is not None:
                    alarm.end()


class _Alarm:
    """Cancels a watch after a time. A deadline of gRPC would count as a failure of the gateway."""

    def __init__(self, call: Any, seconds: float):
        self.call = call
        self.rang = False
        self._timer = threading.Timer(seconds, self._ring)
        self._timer.daemon = True
        self._timer.start()

    def end(self) -> None:
        """Ends the call and the alarm."""
        self._timer.cancel()
        self.call.cancel()

    def _ring(self) -> None:
        self.rang = True
        self.call.cancel()
