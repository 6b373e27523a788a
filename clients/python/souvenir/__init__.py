"""Souvenir's client: translations and models through the cache, and jobs of many steps.

    import souvenir

    with souvenir.Client("127.0.0.1:8001") as client:
        squares = client.model("sum_of_squares")
        total = souvenir.chord(squares.map(VALUES=[[1, 2], [3, 4]]), squares.s())
        print(total.delay().get(timeout=10).item())

`souvenir.aio` has the same for asyncio. docs/tasks.md describes jobs, docs/caching.md the cache."""

import pkgutil

# The generated modules, souvenir.v1, may be in another folder of the path.
__path__ = pkgutil.extend_path(__path__, __name__)

from souvenir import aio  # noqa: E402
from souvenir.calls import CacheControl  # noqa: E402
from souvenir.client import AsyncResult, Client, Task  # noqa: E402
from souvenir.errors import (AlreadyExists, DeadlineExceeded, Error,  # noqa: E402
                             FailedPrecondition, Internal, InvalidArgument, NotFound,
                             PermissionDenied, ResourceExhausted, TaskFailed, TaskRevoked,
                             Unavailable, Unimplemented)
from souvenir.jobs import Member  # noqa: E402
from souvenir.results import (DeadLetter, Entry, ModelInfo, ModelStats, Progress,  # noqa: E402
                              Provenance, Queue, Result, Stats, TierStats, Translation)
from souvenir.signatures import (Chain, Group, JobOptions, Signature, Step,  # noqa: E402
                                 StepOptions, chain, chord, failures, group, map, previous)
from souvenir.tensors import Tensor  # noqa: E402

__all__ = [
    "AlreadyExists", "AsyncResult", "CacheControl", "Chain", "Client", "DeadLetter",
    "DeadlineExceeded", "Entry", "Error", "FailedPrecondition", "Group", "Internal",
    "InvalidArgument", "JobOptions", "Member", "ModelInfo", "ModelStats", "NotFound",
    "PermissionDenied", "Progress", "Provenance", "Queue", "ResourceExhausted", "Result",
    "Signature", "Stats", "Step", "StepOptions", "Task", "TaskFailed", "TaskRevoked", "Tensor",
    "TierStats", "Translation", "Unavailable", "Unimplemented", "aio", "chain", "chord",
    "failures", "group", "map", "previous",
]
