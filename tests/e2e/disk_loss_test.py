"""If the disk tier is damaged or its disk is full, answers go on from memory and compute, the
failure is reported, and the tier comes back if it can."""

import pathlib
import subprocess
import unittest

import harness
import metrics
from clients import DISK, MEMORY, MISS
from services import wait_for

DISK_HEALTH = "souvenir.disk"


def texts(prefix, count, words=1):
    return [f"The {prefix} house number {number} is red. " + "It is a fine old house. " * words
            for number in range(count)]


def metric(gateway, name):
    """Returns the value of a metric without labels."""
    _, samples = metrics.scrape(gateway.metrics)
    return samples[name][0][1]


# Runs a program with an almost full file system for its data directory. Namespaces of its own make
# that possible without rights. $1 is the directory; the program follows.
IN_FULL_FILE_SYSTEM = [
    "unshare", "--user", "--map-root-user", "--mount", "sh", "-c",
    'mount -t tmpfs -o size=20000k tmpfs "$1" && head -c 19700k /dev/zero > "$1/ballast" && '
    'shift && exec "$@"', "sh"]
SMALL_STORE = "disk { limit_bytes: 16777216 }"


def can_mount():
    done = subprocess.run(["unshare", "--user", "--map-root-user", "--mount", "mount", "-t", "tmpfs",
                           "tmpfs", "/mnt"], capture_output=True, check=False)
    return done.returncode == 0


class DamagedStoreTest(harness.ServicesTest):

    def test_a_damaged_store_is_moved_aside_and_serving_goes_on(self):
        compute = self.start_compute()
        gateway = self.start_gateway(compute, data_dir="data")
        server = self.connect_when_ready(gateway)
        for text in texts("old", 50):
            server.translate_one(text)
        server.close()
        gateway.terminate()

        store = self.services.directory / "data" / "cache"
        manifest = next(store.glob("MANIFEST-*"))
        manifest.write_bytes(b"\xff" * manifest.stat().st_size)

        gateway = self.start_gateway(compute, data_dir="data")
        server = self.connect_when_ready(gateway)
        self.assertIn("the store is damaged", gateway.log())
        self.assertTrue((self.services.directory / "data" / "cache.damaged").is_dir())
        self.assertEqual(metric(gateway, "souvenir_gateway_disk_moved_aside_total"), 1)
        self.assertEqual(server.health(DISK_HEALTH), "SERVING")
        text = texts("old", 1)[0]
        self.assertEqual(server.translate_one(text).provenance.kind, MISS)
        self.assertEqual(server.translate_one(text).provenance.kind, MEMORY)
        server.close()
        gateway.terminate()

        gateway = self.start_gateway(compute, data_dir="data")
        server = self.connect_when_ready(gateway)
        self.assertEqual(server.translate_one(text).provenance.kind, DISK)

    def test_a_table_cut_off_costs_its_answers_and_gives_no_wrong_one(self):
        compute = self.start_compute()
        gateway = self.start_gateway(compute, data_dir="data")
        server = self.connect_when_ready(gateway)
        answers = {text: server.translate_one(text).text for text in texts("old", 50)}
        server.close()
        gateway.terminate()  # the stop writes the tables
        for table in (self.services.directory / "data" / "cache").glob("*.sst"):
            with table.open("r+b") as file:
                file.truncate(table.stat().st_size // 2)

        gateway = self.start_gateway(compute, data_dir="data")
        server = self.connect_when_ready(gateway)
        for text, expected in answers.items():
            self.assertEqual(server.translate_one(text).text, expected)


@unittest.skipUnless(can_mount(), "needs user namespaces, to mount a small file system")
class FullDiskTest(harness.ServicesTest):

    def test_a_full_disk_degrades_to_memory_and_recovers(self):
        compute = self.start_compute()
        data = self.services.directory / "data"
        data.mkdir()
        gateway = self.start_gateway(compute, data_dir="data", config=SMALL_STORE,
                                     prefix=[*IN_FULL_FILE_SYSTEM, str(data)])
        server = self.connect_when_ready(gateway)
        seen = []
        for text in texts("new", 400, words=40):
            server.translate_one(text)
            seen.append(text)
            if server.health(DISK_HEALTH) != "SERVING":
                break
        self.assertEqual(server.health(DISK_HEALTH), "NOT_SERVING")
        self.assertEqual(metric(gateway, "souvenir_gateway_disk_healthy"), 0)
        self.assertEqual(server.translate_one(seen[-1]).provenance.kind, MEMORY)
        self.assertEqual(server.translate_one("Another house.").provenance.kind, MISS)

        pathlib.Path(f"/proc/{gateway.pid}/root{data}/ballast").unlink()
        wait_for(lambda: server.health(DISK_HEALTH) == "SERVING", "the disk tier to recover")
        self.assertEqual(metric(gateway, "souvenir_gateway_disk_healthy"), 1)


if __name__ == "__main__":
    harness.main()
