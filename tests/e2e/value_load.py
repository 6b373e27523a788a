"""Makes load with bench-infer-load, which asks the models of bench-model-server, or one request
again and again, and checks every answer."""

import json
import subprocess

import services

# Flags of both programs: typical sizes of values in caches, with a mean of about 590 bytes.
VALUE_FLAGS = ("--value_bytes=300", "--most_value_bytes=1024")


class Load:
    """One run of the generator, which the constructor starts."""

    def __init__(self, address, **flags):
        """`flags` are those of bench-infer-load."""
        self._process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "--", services.program("bench-infer-load"),
             f"--server={address}", *VALUE_FLAGS,
             *(f"--{name}={value}" for name, value in flags.items())],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def is_running(self):
        return self._process.poll() is None

    def stop(self):
        """Ends the generator and ignores its result."""
        self._process.kill()
        self._process.communicate()

    def finish(self):
        """Waits for the end and returns the report. Raises if any answer was wrong."""
        output, errors = self._process.communicate()
        if self._process.returncode != 0:
            raise RuntimeError(f"bench-infer-load ended with {self._process.returncode}:\n"
                               f"{errors}{output}")
        return json.loads(output)
