"""Load of chosen strength: bench-infer-load, which asks the models of bench-model-server, or one
request again and again, and checks every answer."""

import json
import subprocess

import services

# Of both programs: sizes as most caches see them, with a mean of about 590 bytes.
VALUE_FLAGS = ("--value_bytes=300", "--most_value_bytes=1024")


class Load:
    """One run of the generator, from now on."""

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
        """Ends it, whatever came of it."""
        self._process.kill()
        self._process.communicate()

    def finish(self):
        """Waits for its end; what it reports, of which every answer was right."""
        output, errors = self._process.communicate()
        if self._process.returncode != 0:
            raise RuntimeError(f"bench-infer-load ended with {self._process.returncode}:\n"
                               f"{errors}{output}")
        return json.loads(output)
