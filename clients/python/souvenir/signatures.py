"""What shall run: steps, and chains, groups and chords of them, nested as deep as you like.

A signature says what to compute, and computes nothing. All that is nested in one signature becomes
one job, with one graph (souvenir/graph.py). Signatures are immutable, and belong to the client
whose models they name. The classes are the same for both clients; `delay` gives what the client's
`submit` gives."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import (Any, Dict, Generic, Iterable, List, Mapping, Optional, Protocol, Sequence,
                    Tuple, TypeVar, Union)

from souvenir.errors import InvalidArgument

J = TypeVar("J")  # what a submitted job is for the client: an AsyncResult, or an awaitable of one
J_co = TypeVar("J_co", covariant=True)
Seconds = Union[int, float, timedelta]
Parameter = Union[bool, int, float, str]


class Submitter(Protocol[J_co]):
    """A client, as signatures know it."""

    def submit(self, signature: Signature[Any], **options: Any) -> J_co:
        """Submits a signature as a job."""


@dataclass(frozen=True)
class Previous:
    """The place for the results of what comes before, made by previous()."""

    output: Optional[str]
    row: Optional[int]
    reshape: Optional[Tuple[int, ...]]


@dataclass(frozen=True)
class Failures:
    """The place for the failures of the job, made by failures()."""


def previous(output: Optional[str] = None, *, row: Optional[int] = None,
             reshape: Optional[Sequence[int]] = None) -> Any:
    """Stands for the results of what comes before, as the value of an input.

    `output` names the output; None: the one that the earlier step chose, or its only one. `row`
    takes one row of it. `reshape` is the shape that it gets, in which one -1 follows from the rest;
    (): it keeps its own. None: it keeps its own if that fits the input as declared. Otherwise, and
    always for the results of a group, which are joined, it takes the shape of the input, as one row
    where rows have any length."""
    return Previous(output, row, None if reshape is None else tuple(reshape))


def failures() -> Any:
    """Stands for the failures of the job as JSON, as an input of the step `link_error`."""
    return Failures()


@dataclass(frozen=True)
class StepOptions:
    """How a step runs. None: the gateway's default. Times are seconds, or timedelta."""

    id: Optional[str] = None  # unique in the job; None: its number
    queue: Optional[str] = None
    priority: Optional[int] = None  # -10 to 10; higher goes first
    countdown: Optional[Seconds] = None  # since the job was accepted
    eta: Optional[datetime] = None  # with a time zone
    time_limit: Optional[Seconds] = None  # of one attempt
    max_retries: Optional[int] = None  # after errors that may pass
    max_unavailable: Optional[int] = None  # retries while compute is away or full
    retry_backoff: Optional[Seconds] = None  # the first pause, which doubles
    retry_backoff_max: Optional[Seconds] = None
    retry_jitter: Optional[float] = None  # the random share of a pause, 0 to 1
    version: Optional[str] = None  # of the model; None: the newest when it starts
    parameters: Mapping[str, Parameter] = field(default_factory=dict)  # of the call


@dataclass(frozen=True)
class JobOptions:
    """How a job as a whole is treated."""

    name: str = ""  # for people
    # Submitting again with the same key answers with the first job. "": a new one each time.
    idempotency_key: str = ""
    uniqueness_key: str = ""  # while a job with the key runs, another one is refused
    run_all: bool = False  # True: what does not need a failed step still runs
    link_error: Optional[Signature[Any]] = None  # a step that runs if any failed
    result_expires: Optional[Seconds] = None  # None: the gateway's default


class Signature(Generic[J]):
    """The base of all signatures."""

    @property
    def client(self) -> Submitter[J]:
        """The client that submits it."""
        raise NotImplementedError

    def delay(self) -> J:
        """Submits it as a job."""
        return self.apply_async()

    def apply_async(self, **options: Any) -> J:
        """Submits it as a job, with JobOptions as keywords."""
        return self.client.submit(self, **options)

    def __or__(self, after: Signature[J]) -> Chain[J]:
        """`a | b` is chain(a, b)."""
        return chain(self, after)


@dataclass(frozen=True)
class Step(Signature[J]):
    """A call of a model. Made by Task.s() and Task.si()."""

    task: Task[J]
    inputs: Mapping[str, Any]
    options: StepOptions = StepOptions()
    output: Optional[str] = None  # that others use; None: the only one
    takes: bool = True  # False: it needs what comes before, and takes nothing of it

    @property
    def client(self) -> Submitter[J]:
        return self.task.client

    def __getitem__(self, output: str) -> Step[J]:
        """Chooses the output that the next step uses: `primes.s(...)["COUNT"]`."""
        return replace(self, output=output)

    def set(self, **options: Any) -> Step[J]:
        """Returns the step with other StepOptions, which are given as keywords."""
        return replace(self, options=replace(self.options, **options))

    def clone(self, inputs: Optional[Mapping[str, Any]] = None, /, **named: Any) -> Step[J]:
        """Returns the step with further inputs."""
        return replace(self, inputs={**self.inputs, **(inputs or {}), **named})

    def map(self, lists: Optional[Mapping[str, Any]] = None, /, *, chunk: Optional[int] = None,
            **named: Any) -> Group[J]:
        """As souvenir.map(self, …)."""
        return map(self, lists, chunk=chunk, **named)


@dataclass(frozen=True)
class Chain(Signature[J]):
    """Signatures one after another; each takes the results of the one before. Made by chain()."""

    parts: Tuple[Signature[J], ...]

    @property
    def client(self) -> Submitter[J]:
        return client_of(self)


@dataclass(frozen=True)
class Group(Signature[J]):
    """Signatures side by side. Made by group()."""

    parts: Tuple[Signature[J], ...]

    @property
    def client(self) -> Submitter[J]:
        return client_of(self)


class Task(Generic[J]):
    """A model that can be called, and put into jobs. Made by a client's model().

    Inputs are keywords, or a mapping for names that are no keywords: values as encode() in
    souvenir/tensors.py takes them, or previous()."""

    def __init__(self, client: Submitter[J], name: str, version: str = ""):
        self.client = client
        self.name = name
        self.version = version

    def __repr__(self) -> str:
        return f"<Task {self.name}{':' + self.version if self.version else ''}>"

    def s(self, inputs: Optional[Mapping[str, Any]] = None, /, **named: Any) -> Step[J]:
        """Returns a step. In a chain, the input that is not given takes the results before it."""
        return Step(self, {**(inputs or {}), **named}, StepOptions(version=self.version or None))

    def si(self, inputs: Optional[Mapping[str, Any]] = None, /, **named: Any) -> Step[J]:
        """Returns a step that has all its inputs. In a chain it waits, and takes nothing."""
        return replace(self.s(inputs, **named), takes=False)

    def delay(self, inputs: Optional[Mapping[str, Any]] = None, /, **named: Any) -> J:
        """Submits a job of one step."""
        return self.s(inputs, **named).apply_async()

    def map(self, lists: Optional[Mapping[str, Any]] = None, /, *, chunk: Optional[int] = None,
            **named: Any) -> Group[J]:
        """As souvenir.map(self, …)."""
        return self.s().map(lists, chunk=chunk, **named)


Several = Union[Signature[J], Iterable[Signature[J]]]


def _listed(parts: Sequence[Several[J]], what: str) -> List[Signature[J]]:
    """Returns the parts of f(a, b) as well as of f([a, b])."""
    listed: List[Any] = list(parts)
    if len(listed) == 1 and not isinstance(listed[0], (Signature, Task)):
        listed = list(listed[0])
    for part in listed:
        if not isinstance(part, Signature):
            raise InvalidArgument(f"{what} takes signatures, such as task.s(), and {part!r:.80} is "
                                  "none")
    if not listed:
        raise InvalidArgument(f"{what} takes at least one signature")
    return listed


def chain(*parts: Several[J]) -> Chain[J]:
    """One after another; each takes the results of the one before. After a group, the next takes
    the results of all its members, joined along the first dimension."""
    flat: List[Signature[J]] = []
    for part in _listed(parts, "chain"):
        if isinstance(part, Chain):
            flat += part.parts
        else:
            flat.append(part)
    return Chain(tuple(flat))


def group(*parts: Several[J]) -> Group[J]:
    """Side by side. In a chain, each member takes the results before the group. The result is the
    list of the members' results."""
    return Group(tuple(_listed(parts, "group")))


def chord(header: Several[J], body: Signature[J]) -> Chain[J]:
    """The header's members side by side, and then the body with all their results."""
    return chain(header if isinstance(header, Group) else group(header), body)


def map(task: Union[Task[J], Step[J]],  # pylint: disable=redefined-builtin
        lists: Optional[Mapping[str, Any]] = None, /, *, chunk: Optional[int] = None,
        **named: Any) -> Group[J]:
    """A group with a step for each element of the lists: `map(task, TEXT=["a", "b"])`. Several
    lists go in step, and must be equally long. With `chunk`, a step takes so many elements as a
    list."""
    step = task.s() if isinstance(task, Task) else task
    given: Dict[str, Any] = {}
    for name, values in {**(lists or {}), **named}.items():
        if isinstance(values, (str, bytes)):
            raise InvalidArgument(f"map takes a list for '{name}', and {values!r:.80} is none")
        sliced = hasattr(values, "__getitem__") and hasattr(values, "__len__")
        given[name] = values if sliced else list(values)
    lengths = {name: len(values) for name, values in given.items()}
    if len(set(lengths.values())) != 1:
        raise InvalidArgument(f"map takes lists of one length; their lengths are {lengths}")
    if chunk is not None and chunk < 1:
        raise InvalidArgument(f"chunk: {chunk} came; at least 1 is expected")
    count = next(iter(lengths.values()))
    return group([step.clone({
        name: values[at] if chunk is None else values[at:at + chunk]
        for name, values in given.items()}) for at in range(0, count, chunk or 1)])


def steps_of(signature: Signature[J]) -> Iterable[Step[J]]:
    """Returns the steps in a signature, without an order."""
    waiting: List[Signature[J]] = [signature]
    while waiting:
        part = waiting.pop()
        if isinstance(part, Step):
            yield part
        elif isinstance(part, (Chain, Group)):
            waiting += part.parts


def client_of(signature: Signature[J]) -> Submitter[J]:
    """Returns the client of the steps in a signature."""
    return next(iter(steps_of(signature))).client
