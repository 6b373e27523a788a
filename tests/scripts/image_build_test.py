"""The recipe of docs/operations.md for buildah makes images that keep nothing of apt's, have a health check,
and serve as user 10001 on a root that is read-only. Needs root, buildah, debootstrap and Debian's archive."""

import contextlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import time
import unittest

import sandbox
from fresh_clone_test import free_port_base

PAGE = sandbox.SOURCE_DIRECTORY / "docs" / "operations.md"
IMAGES = ("gateway", "compute", "cli")
USER = 10001

# "$0" is the image's root; only /tmp, and what the image calls a volume, can be written there.
RUN = """
set -e
mount --bind "$0" "$0"
mount -o remount,bind,ro "$0"
mount -t proc proc "$0/proc"
mount --rbind /dev "$0/dev"
mount -t tmpfs tmpfs "$0/tmp"
if test -n "$DATA"; then mount --bind "$DATA" "$0/var/lib/souvenir"; fi
cd "$0"
exec chroot --userspec=10001:10001 "$0" /usr/bin/env -i "PATH=$IMAGE_PATH" "$@"
"""


class ImageBuildTest(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="souvenir-images-")
        cls.addClassCleanup(folder.cleanup)
        cls.folder = pathlib.Path(folder.name)
        cls.sources = cls.folder / "souvenir"
        for path in sandbox.files_of_the_tree():
            target = cls.sources / path
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(sandbox.SOURCE_DIRECTORY / path, target)
        cls.commit = cls.make_repository()
        # The driver and the isolation that need no kernel's favour, and folders of this test's own.
        (cls.folder / "storage.conf").write_text(
            f'[storage]\ndriver = "vfs"\ngraphroot = "{cls.folder}/storage"\n'
            f'runroot = "{cls.folder}/run"\n', encoding="utf-8")
        cls.environment = {**os.environ, "BUILDAH_ISOLATION": "chroot",
                           "CONTAINERS_STORAGE_CONF": str(cls.folder / "storage.conf")}
        recipe = re.search(r"```\n(mkdir -p build\ndebootstrap.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)[1]
        subprocess.run(["bash", "-euxo", "pipefail", "-c", recipe], cwd=cls.sources, check=True,
                       env=cls.environment, stdin=subprocess.DEVNULL)
        version = re.search(r"souvenir-\$image:(\S+)\"", recipe)[1]
        cls.configs, cls.roots = {}, {}
        for image in IMAGES:
            container = cls.buildah("from", "--pull-never", f"souvenir-{image}:{version}")
            cls.roots[image] = pathlib.Path(cls.buildah("mount", container))
            inspected = json.loads(cls.buildah("inspect", "--type", "image",
                                               f"souvenir-{image}:{version}"))
            cls.configs[image] = inspected["Docker"]["config"]

    @classmethod
    def make_repository(cls):
        """The recipe asks git for the commit."""
        git = ["git", "-C", str(cls.sources), "-c", "user.name=test", "-c", "user.email=test@localhost"]
        for words in (["init", "--quiet"], ["add", "--all"], ["commit", "--quiet", "--message", "All"]):
            subprocess.run([*git, *words], check=True)
        return subprocess.run([*git, "rev-parse", "--short=12", "HEAD"], check=True,
                              capture_output=True, text=True).stdout.strip()

    @classmethod
    def buildah(cls, *arguments):
        return subprocess.run(["buildah", *arguments], check=True, capture_output=True, text=True,
                              env=cls.environment).stdout.strip()

    def test_nothing_of_apt_stays(self):
        for image, root in self.roots.items():
            for folder in ("var/cache/apt", "var/lib/apt/lists"):
                left = sum(path.stat().st_size for path in (root / folder).rglob("*")
                           if path.is_file())
                self.assertEqual(left, 0, f"{image}: {folder}")

    def test_version_tells_the_commit(self):
        for image, name in (("gateway", "souvenir-gateway"), ("compute", "souvenir-compute"),
                            ("cli", "souvenir")):
            done = self.in_image(image, [name, "--version"])
            self.assertIn(f"(commit {self.commit})", done.stdout, image)

    def test_health_checks_are_there(self):
        for image in ("gateway", "compute"):
            self.assertIn("souvenir", self.configs[image]["Healthcheck"]["Test"], image)

    def test_they_serve_as_a_plain_user_on_a_root_that_is_read_only(self):
        base = int(free_port_base())
        compute, gateway = f"127.0.0.1:{base + 11}", f"127.0.0.1:{base + 1}"
        data = self.folder / "data"
        data.mkdir()
        os.chown(data, USER, USER)
        with contextlib.ExitStack() as running:
            running.enter_context(self.service(
                "compute", f"--listen={compute}", f"--metrics=127.0.0.1:{base + 12}",
                f"--admin=127.0.0.1:{base + 13}"))
            self.wait_for_health("compute", compute)
            running.enter_context(self.service(
                "gateway", f"--listen={gateway}", f"--metrics=127.0.0.1:{base + 2}",
                f"--admin=127.0.0.1:{base + 3}", f"--compute={compute}", data=data))
            self.wait_for_health("gateway", gateway)
            for kind in ("1 miss", "1 memory"):
                done = self.in_image("cli", ["souvenir", f"--server={gateway}", "translate", "--from",
                                             "en", "--to", "es", "The house is red."])
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertIn("La casa es roja.", done.stdout)
                self.assertIn(kind, done.stdout)
        self.assertTrue(any((data / "cache").iterdir()), "the disk tier wrote nothing")
        self.assertEqual((data / "cache").stat().st_uid, USER)

    def command(self, image, words):
        return ["unshare", "--mount", "sh", "-c", RUN, str(self.roots[image]), *words]

    def mounts(self, image, data=""):
        # `env` looks for the program with what the image says, which must find tini too.
        paths = dict(word.split("=", 1) for word in self.configs[image]["Env"])
        self.assertEqual(self.configs[image]["User"], f"{USER}:{USER}")
        return {**os.environ, "DATA": str(data), "IMAGE_PATH": paths["PATH"]}

    def in_image(self, image, words):
        return subprocess.run(self.command(image, words), env=self.mounts(image), check=False,
                              capture_output=True, text=True, timeout=100)

    @contextlib.contextmanager
    def service(self, image, *flags, data=""):
        config = self.configs[image]
        log = self.folder / f"{image}.log"
        with open(log, "wb") as file:
            process = subprocess.Popen(
                self.command(image, [*config["Entrypoint"], *config["Cmd"], *flags]),
                env=self.mounts(image, data), stdout=file, stderr=file, stdin=subprocess.DEVNULL)
        try:
            yield
        finally:
            process.terminate()
            self.assertEqual(process.wait(timeout=60), 0, log.read_text(encoding="utf-8")[-2000:])

    def wait_for_health(self, image, address):
        end = time.monotonic() + 60
        while True:
            done = self.in_image(image, ["souvenir", f"--server={address}", "health"])
            if done.returncode == 0:
                return
            if time.monotonic() > end:
                log = (self.folder / f"{image}.log").read_text(encoding="utf-8")
                self.fail(f"{image} did not get ready: {done.stderr}\n{log[-3000:]}")
            time.sleep(0.2)  # between two questions


def what_is_missing():
    for program in ("buildah", "debootstrap"):
        if shutil.which(program) is None:
            return f"there is no {program}"
    return "it needs root" if os.geteuid() != 0 else None


if __name__ == "__main__":
    sandbox.skip_unless_all(what_is_missing())
    unittest.main(verbosity=2)
