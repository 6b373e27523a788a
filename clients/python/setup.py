"""Builds the package with the modules that protoc generates from the protos of this tree.

It takes protoc with gRPC's plugin (Debian: protobuf-compiler, protobuf-compiler-grpc), or else
grpcio-tools, if that is installed."""

import pathlib
import re
import shutil
import subprocess
import sys

from setuptools import setup
from setuptools.command.build_py import build_py

HERE = pathlib.Path(__file__).resolve().parent
TREE = HERE.parents[1]
PROTOS = TREE / "protos"
# Those that the package uses, with those that they import.
NAMES = ("inference/model_config.proto", "inference/grpc_service.proto",
         "souvenir/v1/translation.proto", "souvenir/v1/speech.proto", "souvenir/v1/stats.proto",
         "souvenir/v1/cache.proto", "souvenir/v1/task_service.proto")


def compiler():
    """Returns the command that generates code."""
    protoc, plugin = shutil.which("protoc"), shutil.which("grpc_python_plugin")
    if protoc and plugin:
        return [protoc, f"--plugin=protoc-gen-grpc={plugin}", "--grpc_out={out}"]
    try:
        import grpc_tools  # noqa: F401
    except ImportError:
        raise SystemExit("protoc and grpc_python_plugin are not there: install protobuf-compiler "
                         "and protobuf-compiler-grpc, or grpcio-tools") from None
    return [sys.executable, "-m", "grpc_tools.protoc", "--grpc_python_out={out}"]


class BuildWithStubs(build_py):
    """Copies the package, and generates the modules beside it."""

    def run(self):
        super().run()
        if not PROTOS.is_dir():
            raise SystemExit(f"{PROTOS} is not there: build the package in a tree of Souvenir")
        command = [part.format(out=self.build_lib) for part in compiler()]
        subprocess.run([*command, f"-I{PROTOS}", f"--python_out={self.build_lib}",
                        f"--pyi_out={self.build_lib}", *NAMES], check=True)


def version():
    """Returns the version of the tree."""
    text = (TREE / "CMakeLists.txt").read_text(encoding="utf-8")
    return re.search(r"project\(souvenir VERSION (\S+)", text)[1]


setup(version=version(), packages=["souvenir"], package_data={"souvenir": ["py.typed"]},
      cmdclass={"build_py": BuildWithStubs})
