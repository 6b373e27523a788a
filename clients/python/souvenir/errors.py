"""The exceptions of this package. All are an `Error`, with gRPC's status `code` and a `message`."""

from __future__ import annotations

from typing import Optional, Union

import grpc

_CODES = {code.value[0]: code for code in grpc.StatusCode}


class Error(Exception):
    """A call that failed. `code` is a grpc.StatusCode; `message` is the gateway's, or this
    package's own if the fault was found before anything was sent."""

    code: grpc.StatusCode = grpc.StatusCode.UNKNOWN

    def __init__(self, message: str, code: Optional[grpc.StatusCode] = None):
        super().__init__(message)
        self.message = message
        if code is not None:
            self.code = code

    def __str__(self) -> str:
        return f"{self.code.name}: {self.message}"


class InvalidArgument(Error, ValueError):
    """The request is wrong. The message names the part that is at fault."""

    code = grpc.StatusCode.INVALID_ARGUMENT


class NotFound(Error, LookupError):
    """There is no such model, language pair, job, step or entry."""

    code = grpc.StatusCode.NOT_FOUND


class AlreadyExists(Error):
    """A job with the same uniqueness key has not ended."""

    code = grpc.StatusCode.ALREADY_EXISTS


class FailedPrecondition(Error):
    """The state does not allow it: only_if_cached without an answer, a step that has not ended."""

    code = grpc.StatusCode.FAILED_PRECONDITION


class PermissionDenied(Error):
    """The call belongs to the admin port."""

    code = grpc.StatusCode.PERMISSION_DENIED


class ResourceExhausted(Error):
    """A limit of the gateway or of a model's queue is reached. The message names it."""

    code = grpc.StatusCode.RESOURCE_EXHAUSTED


class Unavailable(Error):
    """The gateway, or the model behind it, cannot be reached. The call may be made again."""

    code = grpc.StatusCode.UNAVAILABLE


class DeadlineExceeded(Error, TimeoutError):
    """The time given was not enough."""

    code = grpc.StatusCode.DEADLINE_EXCEEDED


class Unimplemented(Error):
    """The gateway does not offer this. Jobs need `tasks.directory` in its configuration."""

    code = grpc.StatusCode.UNIMPLEMENTED


class Internal(Error):
    """The model, or the gateway, has a fault."""

    code = grpc.StatusCode.INTERNAL


class TaskFailed(Error):
    """A job, or a step of it, failed for good. `job_id` names the job; `step` is the id of
    the step at fault, if it is known."""

    def __init__(self, message: str, code: Optional[grpc.StatusCode] = None, job_id: str = "",
                 step: Optional[str] = None):
        super().__init__(message, code)
        self.job_id = job_id
        self.step = step


class TaskRevoked(TaskFailed):
    """The job was revoked before it ended."""

    code = grpc.StatusCode.CANCELLED


_CLASSES = {cls.code: cls for cls in (
    InvalidArgument, NotFound, AlreadyExists, FailedPrecondition, PermissionDenied,
    ResourceExhausted, Unavailable, DeadlineExceeded, Unimplemented, Internal)}


def code_of(number: int) -> grpc.StatusCode:
    """Returns the status code with a number; UNKNOWN for numbers that gRPC does not have."""
    return _CODES.get(number, grpc.StatusCode.UNKNOWN)


def make_error(code: Union[int, grpc.StatusCode], message: str) -> Error:
    """Returns the exception for a status."""
    known = code_of(code) if isinstance(code, int) else code
    return _CLASSES.get(known, Error)(message, known)


def from_rpc(error: grpc.RpcError) -> Error:
    """Returns the exception for a gRPC call that failed."""
    return make_error(error.code(), error.details() or "the gateway gave no reason")
