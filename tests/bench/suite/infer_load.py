"""bench-infer-load as a generator of load on a gateway that stands before bench-model-server."""

import contextlib
import time

import clients
import services
from suite import frame
from suite import lookups
from value_load import Load

BATCH_ROWS = 32
# At once, before the disk is waited for: a queue of 64 MiB has room for all of it.
FILL_ROWS = 32_768
# By which a load that is measured beside another one begins later and ends earlier.
LEAD_SECONDS = 0.5


def sample_of(report):
    return frame.Sample(per_second=report["per_second"], p50_us=report["p50_us"],
                        p99_us=report["p99_us"])


class Gateway(contextlib.ExitStack):
    """A gateway that nobody else asks. Its service is stopped by the Services it is started in."""

    def __init__(self, running, upstream, **options):
        """`upstream` is an address; `options` are those of Services.start_gateway."""
        super().__init__()
        self.service = running.start_gateway(upstream, **options)
        self.address = self.service.listen
        self.server = clients.Server(self.address)
        self.callback(self.server.close)

    def wait_for_models(self):
        services.wait_for(self.server.ready, "the gateway to learn its models")
        return self

    def ask(self, kind, **flags):
        """What the generator reports of a load, every answer of which had to be of `kind`."""
        counted = {}
        with lookups.expect(self.server, counted):
            report = Load(self.address, **flags).finish()
            counted[kind] = report["requests"] * flags.get("rows", 1)
        return report

    def ask_beside(self, other, lead_seconds=LEAD_SECONDS, **flags):
        """Reports of a load that is paced, and of one with the flags `other` that is under way from
        `lead_seconds` before it until after it. Who calls looks at what the gateway counted."""
        seconds = lead_seconds + flags["seconds"] + LEAD_SECONDS
        long = Load(self.address, **other, seconds=seconds)
        time.sleep(lead_seconds)
        report = Load(self.address, **flags).finish()
        was_long_enough = long.is_running()
        beside = long.finish()
        if not was_long_enough:
            raise RuntimeError("the load beside the one that was measured ended before it")
        return report, beside

    def fill(self, first, count):
        """Has inputs of `zero` answered that are new, and waits until they are on disk, if there is
        one; returns the bytes of their values. `count` is rounded up to whole batches."""
        value_bytes = 0
        end = first + -(-count // BATCH_ROWS) * BATCH_ROWS
        for begin in range(first, end, FILL_ROWS):
            rows = min(FILL_ROWS, end - begin)
            value_bytes += self.ask(clients.MISS, first=begin, count=rows, rows=BATCH_ROWS,
                                    requests=rows // BATCH_ROWS)["value_bytes"]
            self.wait_for_disk()
        return value_bytes

    def wait_for_disk(self):
        """Raises where something was not written."""
        services.wait_for(lambda: self.server.get_stats().disk.pending_writes == 0,
                          "the gateway to write to disk what it has queued")
        dropped = self.server.get_stats().disk.dropped_writes
        if dropped:
            raise RuntimeError(f"{dropped} entries were not written to disk")
