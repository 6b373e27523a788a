"""The examples of docs/tasks.md and clients/python/README.md, and the ways to have the package."""

import os
import re
import shutil
import subprocess
import sys

from python_client import CLIENT, SECONDS, ClientTest  # finds the package
import harness
import souvenir
from services import SOURCE_DIRECTORY, STUBS_DIRECTORY


class PagesTest(ClientTest):
    """The examples of docs/tasks.md and clients/python/README.md."""

    def test_each_row_of_the_table_for_celery_users(self):
        page = (SOURCE_DIRECTORY / "docs" / "tasks.md").read_text(encoding="utf-8")
        section = page.partition("## If you know Celery")[2].partition("\n## ")[0]
        rows = [re.split(r"(?<!\\)\|", line)[1:3] for line in section.splitlines()
                if re.match(r"\| `", line)]
        self.assertGreater(len(rows), 15)
        names = {"souvenir": souvenir}
        for celery, ours in rows:
            code = re.fullmatch(r"\s*`(.*)`\s*", ours)
            with self.subTest(celery=celery.strip()):
                self.assertIsNotNone(code, f"not a line of code: {ours}")
                text, _, wanted = code[1].replace("\\|", "|").partition("  # ")
                text = text.replace("127.0.0.1:8001", self.gateway.listen).replace(
                    "127.0.0.1:8003", self.gateway.admin)
                try:
                    value = eval(compile(text, "<row>", "eval"), names)
                    self.assertEqual(repr(value), wanted or repr(value))
                except SyntaxError:
                    exec(compile(text, "<row>", "exec"), names)
                    self.assertEqual(wanted, "")
        names["client"].close()

    def test_whole_programs(self):
        pages = [CLIENT / "README.md", SOURCE_DIRECTORY / "docs" / "tasks.md"]
        programs = [(page.name, text) for page in pages
                    for text in re.findall(r"```python\n(.*?)```\n+(?:It prints:?\n+)?```\n",
                                           page.read_text(encoding="utf-8"), re.DOTALL)]
        outputs = [text for page in pages
                   for text in re.findall(r"```python\n.*?```\n+(?:It prints:?\n+)?```\n(.*?)```",
                                          page.read_text(encoding="utf-8"), re.DOTALL)]
        self.assertGreater(len(programs), 2)
        for (page, text), wanted in zip(programs, outputs):
            with self.subTest(page):
                self.assertEqual(self.run_program(text, f"{CLIENT}:{STUBS_DIRECTORY}"), wanted)

    def run_program(self, text, path):
        done = subprocess.run(
            [sys.executable, "-B", "-"], check=False, capture_output=True, text=True,
            input=text.replace("127.0.0.1:8001", self.gateway.listen),
            env={**os.environ, "PYTHONPATH": path}, timeout=2 * SECONDS)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def test_a_build_leaves_it_beside_the_modules(self):
        shown = self.run_program("import souvenir, souvenir.v1\nprint(souvenir.__file__)\n"
                                 "print(souvenir.Client('127.0.0.1:8001').stats().flights)\n",
                                 str(STUBS_DIRECTORY))
        self.assertEqual(shown, f"{STUBS_DIRECTORY}/souvenir/__init__.py\n0\n")
        for path in (CLIENT / "souvenir").glob("*.py"):
            self.assertEqual((STUBS_DIRECTORY / "souvenir" / path.name).read_bytes(),
                             path.read_bytes())

    def test_pip_installs_it_offline(self):
        tree = self.services.directory / "tree"
        for part in ("clients", "protos"):
            shutil.copytree(SOURCE_DIRECTORY / part, tree / part)
        shutil.copy(SOURCE_DIRECTORY / "CMakeLists.txt", tree)
        target = self.services.directory / "installed"
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
        done = subprocess.run(
            [*pip, "install", "--no-index", "--no-build-isolation", "--no-deps", "--quiet",
             "--root-user-action=ignore", "--target", str(target),
             str(tree / "clients" / "python")],
            check=False, capture_output=True, text=True, timeout=4 * SECONDS)
        self.assertEqual(done.returncode, 0,
                         f"{done.stderr}\npip and wheel come with scripts/setup --with test")
        shown = self.run_program(
            "import souvenir, importlib.metadata\n"
            "print(souvenir.__file__, importlib.metadata.version('souvenir'))\n"
            "with souvenir.Client('127.0.0.1:8001') as client:\n"
            "    print(client.model('sum_of_squares').delay(VALUES=[3]).get(60).item())\n",
            str(target))
        where, number = shown.splitlines()
        version = re.search(r"souvenir VERSION (\S+)", (SOURCE_DIRECTORY / "CMakeLists.txt").read_text())[1]
        self.assertEqual((where, number), (f"{target}/souvenir/__init__.py {version}", "9"))
        # What it needs is there in the versions that it names.
        needs = subprocess.run([*pip, "check"], check=False, capture_output=True, text=True,
                               env={**os.environ, "PYTHONPATH": str(target)}, timeout=SECONDS)
        self.assertNotIn("souvenir", needs.stdout)


if __name__ == "__main__":
    harness.main()
