"""Makes a job's graph of a signature: steps of souvenir.v1 that take their inputs from each other.

Nothing here recurses, because signatures may be nested 10,000 deep. A part is a generator that
yields the parts inside of it, and a loop runs the generators (`_Builder.walk`)."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import timedelta, timezone
from typing import Any, Generator, Iterator, List, Mapping, Optional, Sequence, Tuple

from google.protobuf.duration_pb2 import Duration

from inference import grpc_service_pb2 as oip
from souvenir.errors import InvalidArgument
from souvenir.results import ModelInfo
from souvenir.signatures import (Chain, Failures, Group, JobOptions, Parameter, Previous, Seconds,
                                 Signature, Step, StepOptions)
from souvenir.tensors import encode
from souvenir.v1 import task_service_pb2 as pb

# The form of a result: LEAF for a step, and what a group holds between OPEN and CLOSE.
OPEN, LEAF, CLOSE = "[", ".", "]"

# Messages of a submission that is streamed.
_CHUNK_BYTES = 1 << 20
_CHUNK_STEPS = 1000


@dataclass(frozen=True)
class Leaf:
    """A step whose result others may use."""

    id: str
    model: ModelInfo
    output: Optional[str]  # None: its only one


@dataclass(frozen=True)
class Ends:
    """The last steps of a part, with the form of their results."""

    leaves: Tuple[Leaf, ...]
    form: Tuple[str, ...]

    @property
    def joined(self) -> bool:
        """True if the next step gets their results joined, even if there is only one."""
        return self.form != (LEAF,)


Walk = Generator[Tuple[Signature[Any], Optional[Ends]], Ends, Ends]


@dataclass(frozen=True)
class Graph:
    """A job that is ready to be submitted."""

    options: pb.JobOptions
    steps: Sequence[pb.Step]
    ends: Tuple[str, ...]  # ids of the steps whose results are the job's
    form: Tuple[str, ...]

    def whole(self) -> Optional[pb.SubmitJobRequest]:
        """Returns the job as one message, or None if it is too large for that."""
        if len(self.steps) > _CHUNK_STEPS:
            return None
        request = pb.SubmitJobRequest(options=self.options, steps=self.steps)
        return request if request.ByteSize() <= _CHUNK_BYTES else None

    def pieces(self) -> Iterator[pb.SubmitRequest]:
        """Returns the job as messages of a stream."""
        yield pb.SubmitRequest(options=self.options)
        piece: List[pb.Step] = []
        size = 0
        for step in self.steps:
            bytes_of_step = step.ByteSize()
            if piece and (len(piece) == _CHUNK_STEPS or size + bytes_of_step > _CHUNK_BYTES):
                yield pb.SubmitRequest(steps=pb.StepChunk(steps=piece))
                piece, size = [], 0
            piece.append(step)
            size += bytes_of_step
        yield pb.SubmitRequest(steps=pb.StepChunk(steps=piece))
        yield pb.SubmitRequest(seal=pb.SealJob())


def build(signature: Signature[Any], models: Mapping[Tuple[str, str], ModelInfo],
          options: JobOptions) -> Graph:
    """Returns the graph of a signature. `models` has the tensors of each of its models, by name and
    version. Raises InvalidArgument, with the model and the input at fault."""
    builder = _Builder(models)
    ends = builder.walk(signature)
    job = pb.JobOptions(
        name=options.name, idempotency_key=options.idempotency_key or uuid.uuid4().hex,
        uniqueness_key=options.uniqueness_key,
        failure_policy=pb.FAILURE_POLICY_RUN_ALL if options.run_all
        else pb.FAILURE_POLICY_FAIL_FAST,
        result_step="" if ends.joined else ends.leaves[0].id)
    if options.result_expires is not None:
        job.result_ttl.CopyFrom(_duration(options.result_expires))
    if options.link_error is not None:
        job.failure_step = builder.failure_step(options.link_error)
    return Graph(job, builder.steps, tuple(leaf.id for leaf in ends.leaves), ends.form)


def arrange(form: Sequence[str], values: Sequence[Any]) -> Any:
    """Returns the values of leaves in nested lists, as a form says."""
    outer: List[Any] = []
    open_lists = [outer]
    following = iter(values)
    for token in form:
        if token == OPEN:
            inner: List[Any] = []
            open_lists[-1].append(inner)
            open_lists.append(inner)
        elif token == CLOSE:
            open_lists.pop()
        else:
            open_lists[-1].append(next(following))
    return outer[0]


class _Builder:

    def __init__(self, models: Mapping[Tuple[str, str], ModelInfo]):
        self.steps: List[pb.Step] = []
        self._models = models

    def walk(self, signature: Signature[Any]) -> Ends:
        stack: List[Walk] = [self._part(signature, None)]
        value: Optional[Ends] = None
        while stack:
            try:
                # The first value that a generator is sent must be None.
                part, feed = stack[-1].send(value)  # type: ignore[arg-type]
            except StopIteration as ended:
                stack.pop()
                value = ended.value
            else:
                stack.append(self._part(part, feed))
                value = None
        assert value is not None
        return value

    def failure_step(self, signature: Signature[Any]) -> str:
        if not isinstance(signature, Step):
            raise InvalidArgument("link_error takes one step, such as task.s()")
        model = self._model(signature)
        inputs = dict(signature.inputs)
        for name in model.inputs:
            inputs.setdefault(name, Failures())
        return self._add(signature.clone(inputs), None).id

    def _part(self, part: Signature[Any], feed: Optional[Ends]) -> Walk:
        if isinstance(part, Step):
            leaf = self._add(part, feed)
            return Ends((leaf,), (LEAF,))
        if isinstance(part, Chain):
            for link in part.parts:
                feed = yield link, feed
            assert feed is not None
            return feed
        assert isinstance(part, Group)
        leaves: List[Leaf] = []
        form = [OPEN]
        for member in part.parts:
            ends = yield member, feed
            leaves += ends.leaves
            form += ends.form
        return Ends(tuple(leaves), (*form, CLOSE))

    def _model(self, step: Step[Any]) -> ModelInfo:
        return self._models[step.task.name, step.options.version or ""]

    def _add(self, step: Step[Any], feed: Optional[Ends]) -> Leaf:
        model = self._model(step)
        for name in step.inputs:
            if name not in model.inputs:
                raise InvalidArgument(f"model '{model.name}' has no input '{name}'; it has "
                                      f"{', '.join(model.inputs)}")
        inputs = dict(step.inputs)
        missing = [name for name in model.inputs if name not in inputs]
        piped = any(isinstance(value, Previous) for value in inputs.values())
        if missing and (feed is None or not step.takes or piped or len(missing) > 1):
            raise InvalidArgument(f"model '{model.name}' needs the input '{missing[-1]}'")
        if missing:
            inputs[missing[0]] = Previous(None, None, None)
        elif feed is not None and step.takes and not piped:
            raise InvalidArgument(
                f"'{model.name}' has all its inputs, and leaves none for the results before it: "
                "use si() if it shall only wait for them")
        message = pb.Step(id=step.options.id or str(len(self.steps)))
        message.call.model = step.task.name
        for name, value in inputs.items():
            message.call.inputs.append(self._input(name, value, model, feed))
        if feed is not None and not step.takes:
            message.after.extend(leaf.id for leaf in feed.leaves)
        _set_options(step.options, message)
        self.steps.append(message)
        return Leaf(message.id, model, step.output)

    def _input(self, name: str, value: Any, model: ModelInfo, feed: Optional[Ends]) -> pb.StepInput:
        datatype, declared = model.inputs[name]
        message = pb.StepInput(name=name)
        if isinstance(value, Failures):
            message.failures.SetInParent()
        elif isinstance(value, Previous):
            if feed is None:
                raise InvalidArgument(
                    f"model '{model.name}': nothing comes before the input '{name}'")
            _fill(message, value, feed, declared)
        else:
            tensor = encode(value, datatype, declared, name)
            message.literal.datatype = tensor.datatype
            message.literal.shape.extend(tensor.shape)
            message.literal.raw = tensor.raw
        return message


def _fill(message: pb.StepInput, value: Previous, feed: Ends, declared: Sequence[int]) -> None:
    outputs = {_output_of(leaf, value) for leaf in feed.leaves}
    if len(outputs) != 1:
        raise InvalidArgument(
            f"the results before the input '{message.name}' have different names, "
            f"{', '.join(sorted(outputs))}: each member must choose one of its outputs, and of "
            "the same name")
    (output,) = outputs
    shape = feed.leaves[0].model.outputs[output][1]
    if feed.joined:
        if value.row is not None:
            raise InvalidArgument(f"input '{message.name}': a row is taken of one step, not of a "
                                  "group")
        message.gather.steps.extend(leaf.id for leaf in feed.leaves)
        message.gather.output = output
    else:
        message.output.step = feed.leaves[0].id
        message.output.output = output
        if value.row is not None:
            message.output.row = value.row
            shape = (1, *shape[1:])
    if value.reshape is not None:
        message.reshape.extend(value.reshape)
    elif feed.joined or not _suits(shape, declared):
        message.reshape.extend(_one_value(declared))


def _output_of(leaf: Leaf, value: Previous) -> str:
    name = value.output or leaf.output
    outputs = leaf.model.outputs
    if name is None and len(outputs) == 1:
        return next(iter(outputs))
    if name is None:
        raise InvalidArgument(f"model '{leaf.model.name}' has the outputs {', '.join(outputs)}: "
                              "choose one, as in task.s(…)[\"NAME\"]")
    if name not in outputs:
        raise InvalidArgument(f"model '{leaf.model.name}' has no output '{name}'; it has "
                              f"{', '.join(outputs)}")
    return name


def _suits(shape: Sequence[int], declared: Sequence[int]) -> bool:
    return len(shape) == len(declared) and all(
        -1 in (size, wanted) or size == wanted for size, wanted in zip(shape, declared))


def _one_value(declared: Sequence[int]) -> Tuple[int, ...]:
    """Returns a shape in which any number of elements are one value of an input: one row, if its
    rows may have any length."""
    if list(declared).count(-1) <= 1:
        return tuple(declared)
    if declared[0] == -1 and list(declared).count(-1) == 2:
        return (1, *declared[1:])
    return ()


def _set_options(options: StepOptions, message: pb.Step) -> None:
    message.call.version = options.version or ""
    set_parameters(options.parameters, message.call.parameters)
    message.queue = options.queue or ""
    message.priority = options.priority or 0
    if options.countdown is not None and options.eta is not None:
        raise InvalidArgument("countdown and eta were given; a step has one of them")
    if options.countdown is not None:
        message.countdown.CopyFrom(_duration(options.countdown))
    if options.eta is not None:
        if options.eta.tzinfo is None:
            raise InvalidArgument(f"eta: {options.eta} has no time zone")
        message.not_before.FromDatetime(options.eta.astimezone(timezone.utc).replace(tzinfo=None))
    if options.time_limit is not None:
        message.time_limit.CopyFrom(_duration(options.time_limit))
    if options.max_retries is not None:
        if options.max_retries < 0:
            raise InvalidArgument(f"max_retries: {options.max_retries} came; 0 is the least")
        message.retry.max_attempts = options.max_retries + 1
    if options.max_unavailable is not None:
        message.retry.max_unavailable = options.max_unavailable
    if options.retry_backoff is not None:
        message.retry.initial_backoff.CopyFrom(_duration(options.retry_backoff))
    if options.retry_backoff_max is not None:
        message.retry.max_backoff.CopyFrom(_duration(options.retry_backoff_max))
    if options.retry_jitter is not None:
        message.retry.jitter = options.retry_jitter


def set_parameters(parameters: Mapping[str, Parameter],
                   messages: "Mapping[str, oip.InferParameter]") -> None:
    """Fills a map of InferParameter."""
    for name, value in parameters.items():
        if isinstance(value, bool):
            messages[name].bool_param = value
        elif isinstance(value, int):
            messages[name].int64_param = value
        elif isinstance(value, float):
            messages[name].double_param = value
        elif isinstance(value, str):
            messages[name].string_param = value
        else:
            raise InvalidArgument(f"parameter '{name}': {value!r:.80} is no truth value, number or "
                                  "text")


def _duration(value: Seconds) -> Duration:
    duration = Duration()
    duration.FromTimedelta(value if isinstance(value, timedelta) else timedelta(seconds=value))
    return duration
