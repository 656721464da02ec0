"""Build the compiled engine; everything else is in pyproject.toml.

The extension is optional, so that the package installs without a compiler and runs in pure Python. Switches:

BACKPROP_REQUIRE_EXTENSION=1   a failed build is an error (CI, wheels)
BACKPROP_SANITIZE=1            build with AddressSanitizer and UBSan, for .ci/long
"""

import os
import platform
import subprocess
import sys
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext
from setuptools.errors import BaseError

# No flag here may change a value: no -ffast-math, no -march, no contraction of a*b+c into one rounding.
FLAGS = {
    # Python's own flags ask for -g, which takes a quarter of the compiler's time and most of the file.
    # Attributes: gcc notes that what is said of a function's result is said of variables too, see `_vectors.pxi`.
    "unix": ["-O3", "-g0", "-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math", "-Wno-attributes"],
    "msvc": ["/O2", "/fp:precise"],
}
# What keeps the sums of a block in registers: gcc must see its short loops as loops until it has vectorised them.
GCC = ["-fno-tree-loop-distribute-patterns", "-fno-loop-unroll-and-jam", "--param=max-completely-peel-times=3"]
# What is looked for is in the source; with -O3 the compiler would take a quarter of an hour.
SANITIZE = ["-O1", "-fsanitize=address,undefined", "-fno-omit-frame-pointer", "-g"]


MACHINE = platform.machine().lower()
REQUIRED = os.environ.get("BACKPROP_REQUIRE_EXTENSION") == "1"


def is_gcc(command: list[str]) -> bool:
    """Whether a compiler's command is gcc, and not clang under its name."""
    said = subprocess.run([command[0], "--version"], capture_output=True, text=True, check=False).stdout
    return "clang" not in said and "Free Software Foundation" in said


class BuildExtension(build_ext):
    """Adds the flags, once the compiler is known, and lets the build go on without one."""

    def run(self) -> None:
        """Translate and build; without any compiler at all, setuptools gives up before it looks at `optional`."""
        for extension, translated in zip(self.extensions, self.translated(), strict=True):
            extension.sources = translated.sources
        try:
            super().run()
        except BaseError as error:
            if REQUIRED:
                raise
            self.warn(f"the compiled engine was not built, the package will run in pure Python: {error}")

    def translated(self) -> list[Extension]:
        """The extensions in C. Not before it is needed: setuptools runs this file for every question it has."""
        return cythonize(
            self.extensions,
            build_dir="build/cython",
            force=True,  # cythonize does not notice a changed directive
            nthreads=WORKERS,
            # Bounds checks stay on: they guard the doors. The kernels work on pointers, and have none.
            compiler_directives={"language_level": 3, "cdivision": True},
        )

    def build_extensions(self) -> None:
        """Build, with our flags after the system's."""
        kind = "msvc" if self.compiler.compiler_type == "msvc" else "unix"
        flags = [*FLAGS[kind], *(GCC if kind == "unix" and is_gcc(self.compiler.compiler_so) else [])]
        for extension in self.extensions:
            level = extension.name.removeprefix("backprop._core").removeprefix("_")
            extension.optional = not REQUIRED  # here, because cythonize forgets it
            extension.extra_compile_args = [*flags, *(LEVELS[level][kind] if level else [])]
            extension.extra_link_args = ["-pthread"] if kind == "unix" else []
            if os.environ.get("BACKPROP_SANITIZE") == "1":
                extension.extra_compile_args += SANITIZE
                extension.extra_link_args += ["-fsanitize=address,undefined"]
        self.parallel = self.parallel or True  # the levels side by side
        super().build_extensions()


# The instruction sets beyond the baseline of which an x86-64 wheel holds a build too; `_engine.py` picks one at
# import. 512 bits are for the kernels that ask for them; in the short loops of small networks they cost more than
# they bring.
LEVELS = {
    "avx2": {"unix": ["-mavx2"], "msvc": ["/arch:AVX2"]},
    "avx512": {
        "unix": [
            *("-mavx512f", "-mavx512vl", "-mavx512dq", "-mavx512bw"),
            "-mprefer-vector-width=256",
        ],
    },
}
PLATFORM = "msvc" if sys.platform == "win32" else "unix"
BUILT = [level for level in LEVELS if PLATFORM in LEVELS[level]] if MACHINE in ("x86_64", "amd64") else []

SOURCES = sorted(str(part) for part in Path("src/backprop").glob("_*.pxi"))
modules = [Extension("backprop._core", ["src/backprop/_core.pyx"], depends=SOURCES)]
for level in BUILT:
    source = f"src/backprop/_core_{level}.pyx"
    modules.append(Extension(f"backprop._core_{level}", [source], depends=["src/backprop/_core.pyx", *SOURCES]))

# Processes for Cython; on systems that do not fork they would import this file again.
WORKERS = os.cpu_count() if sys.platform == "linux" else 0

setup(cmdclass={"build_ext": BuildExtension}, ext_modules=modules)
