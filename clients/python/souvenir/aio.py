"""The client for asyncio. Names and meanings are those of souvenir/client.py; what waits there is
awaited here. Signatures (`souvenir.chain`, `group`, `chord`, `map`) are the same.

    async with souvenir.aio.Client() as client:
        result = await client.model("sum_of_squares").delay(VALUES=[1, 2, 3])
        print((await result.get()).item())"""

from __future__ import annotations

import asyncio
from typing import (Any, AsyncIterator, Awaitable, Dict, List, Mapping, Optional, Sequence, Tuple,
                    TypeVar, Union, overload)

import grpc
import grpc.aio

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
    """As souvenir.Client. Make it where the event loop runs, and use it only there."""

    def __init__(self, address: str = calls.DEFAULT_ADDRESS, *, tenant: Optional[str] = None,
                 timeout: float = calls.DEFAULT_SECONDS, admin: str = calls.DEFAULT_ADMIN,
                 reconnect: float = calls.DEFAULT_RECONNECT_SECONDS):
        self.address = address
        self.timeout = timeout
        self.reconnect = reconnect
        self._tenant = tenant
        self._channels = {is_admin: grpc.aio.insecure_channel(where, options=calls.CHANNEL_OPTIONS)
                          for is_admin, where in ((False, address), (True, admin))}
        self._stubs = {is_admin: Stubs(channel) for is_admin, channel in self._channels.items()}
        self._models: Dict[Tuple[str, str], ModelInfo] = {}

    async def __aenter__(self) -> Client:
        return self

    async def __aexit__(self, *_: Any) -> None:
        await self.close()

    async def close(self) -> None:
        """Ends the connections and the calls under way. Idempotent."""
        for channel in self._channels.values():
            await channel.close()

    @overload
    async def translate(self, text: str, to: str, source: str, *,  # type: ignore[misc]
                        engine: str = "", cache: Optional[CacheControl] = None,
                        timeout: Optional[float] = None) -> Translation: ...

    @overload
    async def translate(self, text: str, to: Sequence[str], source: str, *, engine: str = "",
                        cache: Optional[CacheControl] = None,
                        timeout: Optional[float] = None) -> List[Translation]: ...

    async def translate(self, text: str, to: Union[str, Sequence[str]], source: str, *,
                        engine: str = "", cache: Optional[CacheControl] = None,
                        timeout: Optional[float] = None) -> Union[Translation, List[Translation]]:
        """Translates a text."""
        found = await self._run(calls.translate(text, to, source, engine, cache), timeout)
        return calls.only_translation(found) if isinstance(to, str) else found

    async def infer(self, model: str, inputs: Mapping[str, Any], *, version: str = "",
                    parameters: Optional[Mapping[str, Parameter]] = None,
                    outputs: Sequence[str] = (), cache: Optional[CacheControl] = None,
                    timeout: Optional[float] = None) -> Result:
        """Asks a model."""
        try:
            return await self._run(calls.infer(await self.model_info(model, version), version,
                                               inputs, parameters, outputs, cache), timeout)
        except InvalidArgument:
            self._models.pop((model, version), None)
            raise

    async def model_info(self, model: str, version: str = "") -> ModelInfo:
        """Returns a model's tensors."""
        key = (model, version)
        if key not in self._models:
            self._models[key] = await self._run(calls.model_info(model, version))
        return self._models[key]

    async def stats(self) -> Stats:
        """Returns what the gateway counted since it started."""
        return await self._run(calls.stats())

    async def entry(self, key: str) -> Entry:
        """Returns what is known of a remembered answer."""
        return await self._run(calls.entry(key))

    async def invalidate(self, *, key: Optional[str] = None, tag: Optional[str] = None,
                         model: Optional[str] = None, tenant: Optional[str] = None,
                         everything: bool = False) -> Optional[bool]:
        """Forgets the answers of one scope."""
        return await self._run(calls.invalidate(key, tag, model, tenant, everything))

    async def pause_queue(self, name: str) -> Queue:
        """Starts no step of a queue any more."""
        return await self._run(calls.pause_queue(name))

    async def resume_queue(self, name: str) -> Queue:
        """Lets a paused queue go on."""
        return await self._run(calls.resume_queue(name))

    async def limit_queue(self, name: str, max_running: int) -> Queue:
        """Sets how many steps of a queue run at once."""
        return await self._run(calls.limit_queue(name, max_running))

    async def queues(self) -> Dict[str, Queue]:
        """Returns the queues of steps, by name."""
        return await self._run(calls.queues())

    def model(self, name: str, version: str = "") -> Task:
        """Returns a model as a task."""
        return Task(self, name, version)

    def job(self, job_id: str) -> AsyncResult:
        """Returns a job that was submitted elsewhere."""
        return AsyncResult(self, job_id)

    async def submit(self, signature: Signature[Awaitable[AsyncResult]],
                     **options: Any) -> AsyncResult:
        """Submits a signature as one job."""
        job = JobOptions(**options)
        names = models_of(signature, job, self)
        try:
            models = {name: await self.model_info(*name) for name in names}
            graph = build(signature, models, job)
            return AsyncResult(self, await self._send(graph), graph.ends, graph.form)
        except InvalidArgument:
            for name in names:
                self._models.pop(name, None)
            raise

    async def _send(self, graph: Graph) -> str:
        patience = patience_of_submission(self.reconnect)
        whole = graph.whole()
        while True:
            try:
                stub, about = self._tasks()
                answer = await (stub.SubmitJob(whole, **about) if whole is not None
                                else stub.Submit(graph.pieces(), **about))
                job_id: str = answer.job_id
                return job_id
            except grpc.RpcError as error:
                await asyncio.sleep(patience.pause_after(error))

    def _tasks(self) -> Tuple[Any, Dict[str, Any]]:
        return self._stubs[False].tasks, {"metadata": calls.tenant_metadata(self._tenant),
                                          "timeout": self.timeout}

    async def _run(self, call: Call[R], timeout: Optional[float] = None) -> R:
        method = getattr(getattr(self._stubs[call.admin], call.service), call.method)
        made = method(call.request, timeout=self.timeout if timeout is None else timeout,
                      metadata=call.metadata(self._tenant))
        try:
            response = await made
            metadata = await made.initial_metadata()
        except grpc.RpcError as error:
            raise from_rpc(error) from None
        return call.read(response, {key: value for key, value in metadata})


class Task(signatures.Task["Awaitable[AsyncResult]"]):
    """A model that can be called, and put into jobs."""

    client: Client

    async def __call__(self, inputs: Optional[Mapping[str, Any]] = None, /, **named: Any) -> Result:
        """Asks the model now, without a job."""
        return await self.client.infer(self.name, {**(inputs or {}), **named}, version=self.version)


class AsyncResult(BaseResult["Awaitable[AsyncResult]"]):
    """As souvenir.AsyncResult."""

    def __init__(self, client: Client, job_id: str, ends: Optional[Sequence[str]] = None,
                 form: Optional[Sequence[str]] = None):
        super().__init__(job_id, ends, *(() if form is None else (form,)))
        self._client = client

    @property
    def status(self) -> Awaitable[str]:
        """`await result.status` is "RUNNING", "SUCCEEDED", "FAILED" or "CANCELLED"."""
        return self._status()

    async def ready(self) -> bool:
        """Returns True if the job has ended, in whichever way."""
        return await self.status != "RUNNING"

    async def successful(self) -> bool:
        """Returns True if every step has succeeded."""
        return await self.status == "SUCCEEDED"

    async def failed(self) -> bool:
        """Returns True if the job has ended because a step failed."""
        return await self.status == "FAILED"

    async def progress(self) -> Progress:
        """Returns the counts of the steps."""
        return read_progress(await self._job())

    async def get(self, timeout: Optional[float] = None, propagate: bool = True) -> Any:
        """Waits for the end of the job, and returns its result, as souvenir.AsyncResult.get()."""
        watch = self._watch(self.wants_many())
        members = {member.position: member async for member in self._members(watch, timeout)}
        if propagate:
            self.check(watch)
        return self.values([self.told(members, position) or await self._end(step, propagate)
                            for position, step in enumerate(self.ends)])

    async def as_completed(self, timeout: Optional[float] = None) -> AsyncIterator[Member]:
        """Returns the members of a group as they end."""
        async for member in self._members(self._watch(True), timeout):
            yield (with_result(member, await self.step(member.step)) if member.lacks_result
                   else member)

    async def step(self, step: str) -> Result:
        """Returns the result of any step, by its id."""
        patience = patience_of_reading(self._client.reconnect)
        while True:
            reader = ResultReader()
            stub, about = self._client._tasks()
            request = pb.GetResultRequest(job_id=self.id, step=step)
            try:
                async for chunk in stub.GetResult(request, **about):
                    reader.take(chunk)
                return reader.result()
            except grpc.RpcError as error:
                await asyncio.sleep(patience.pause_after(error))

    async def dead_letters(self) -> List[DeadLetter]:
        """Returns the steps that failed for good."""
        found, token = await self._client._run(calls.dead_letters(self.id, ""))
        while token:
            more, token = await self._client._run(calls.dead_letters(self.id, token))
            found += more
        return found

    async def revoke(self) -> None:
        """Ends the job."""
        await self._client._run(calls.cancel(self.id))

    async def retry(self) -> None:
        """Runs again what has not succeeded of a job that has ended."""
        job = await self._job()
        await self._client._run(calls.retry(self.id))
        self.first_sequence = job.next_sequence

    async def _status(self) -> str:
        return status_of(await self._job())

    async def _job(self) -> pb.Job:
        return await self._client._run(calls.get_job(self.id))

    async def _end(self, step: str, propagate: bool) -> Union[Result, Error]:
        try:
            return await self.step(step)
        except Error as error:
            if propagate:
                raise
            return self.as_failure(error, step)

    def _watch(self, with_results: bool) -> Watch:
        return Watch(self, with_results, patience_of_watching(self._client.reconnect))

    async def _members(self, watch: Watch, timeout: Optional[float]) -> AsyncIterator[Member]:
        loop = asyncio.get_running_loop()
        deadline = float("inf") if timeout is None else loop.time() + timeout
        while watch.job is None:
            left = deadline - loop.time()
            stub, about = self._client._tasks()
            call = None
            try:
                if watch.was_open:
                    seconds = max(min(left, about["timeout"]), 0)
                    await stub.GetJob(pb.GetJobRequest(job_id=self.id),
                                      **{**about, "timeout": seconds})
                    watch.patience.worked()
                watch.was_open = True
                call = stub.Watch(watch.request(), metadata=about["metadata"])
                while (event := await asyncio.wait_for(
                        call.read(), max(min(deadline - loop.time(), RENEWAL_SECONDS), 0))
                       ) is not grpc.aio.EOF:
                    member = watch.take(event)
                    if member is not None:
                        yield member
                if watch.job is None:
                    await asyncio.sleep(watch.note(await self._job()))
            except (asyncio.TimeoutError, grpc.RpcError) as error:
                left = deadline - loop.time()
                if left <= 0:
                    assert timeout is not None
                    raise watch.late(timeout) from None
                if isinstance(error, grpc.RpcError):
                    await asyncio.sleep(min(watch.patience.pause_after(error), left))
            finally:
                if call is not None:
                    call.cancel()
