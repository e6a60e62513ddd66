"""The compiled media core; everything else is in pyproject.toml.

Each module is compiled for itself and all are linked into one library, `platypus._media._core`,
which `platypus/_media/__init__.py` knows how to load them from.
"""

from __future__ import annotations

import os
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext
from setuptools.modified import newer_group

HERE = Path(__file__).parent
# `make` builds the extensions itself, in place and only what changed; pip need not do it again.
SKIP = "PLATYPUS_NO_EXTENSIONS" in os.environ
SANITIZE = os.environ.get("PLATYPUS_SANITIZE", "")  # e.g. "address,undefined" (make asan)

if sys.platform == "win32":
    compile_args = ["/O2", "/fp:precise"]
    link_args: list[str] = []
    libraries = ["ws2_32", "avrt", "winmm"]
else:
    # -ffp-contract=off and no -ffast-math: the stream gives the same bits in the loop,
    # in the tests and in a replay, on every machine.
    compile_args = ["-O3", "-g0", "-ffp-contract=off", "-fno-strict-aliasing", "-std=gnu11"]
    link_args = []
    libraries = ["pthread", "m"]
    if SANITIZE:
        flags = [f"-fsanitize={SANITIZE}", "-fno-omit-frame-pointer", "-fno-sanitize-recover=all"]
        compile_args += [*flags, "-g1", "-O1"]
        link_args += flags

HEADERS = sorted(path.relative_to(HERE).as_posix() for path in HERE.glob("platypus/_media/*.h"))

modules = [
    Extension(".".join(("platypus", "_media", source.stem)), [source.relative_to(HERE).as_posix()])
    for source in sorted((HERE / "platypus" / "_media").glob("*.pyx"))
    if not SKIP
]


class BuildInOne(build_ext):
    """Compiles side by side what has changed, as setuptools does with files of their own."""

    def get_export_symbols(self, ext: Extension) -> list[str]:
        return []  # each module's source exports its own

    def build_extension(self, ext: Extension) -> None:
        workers = os.cpu_count() if self.parallel is True else self.parallel or 1
        with ThreadPoolExecutor(workers) as pool:
            objects = list(pool.map(partial(self.compiled, ext), ext.sources))
        self.compiler.link_shared_object(
            objects,
            self.get_ext_fullpath(ext.name),
            libraries=self.get_libraries(ext),
            library_dirs=ext.library_dirs,
            extra_postargs=ext.extra_link_args,
            export_symbols=self.get_export_symbols(ext),
            build_temp=self.build_temp,
            target_lang="c",
        )

    def compiled(self, ext: Extension, source: str) -> str:
        (made,) = self.compiler.object_filenames([source], output_dir=self.build_temp)
        if self.force or newer_group([source, *ext.depends], made):
            self.compiler.compile(
                [source],
                output_dir=self.build_temp,
                include_dirs=ext.include_dirs,
                extra_postargs=ext.extra_compile_args,
            )
        return made


generated = cythonize(
    modules,
    quiet=True,
    # Processes are forked on Linux; elsewhere each would run this file again.
    nthreads=(os.cpu_count() or 1) if sys.platform == "linux" else 0,
    build_dir=os.environ.get("PLATYPUS_BUILD_DIR", "build/cython"),
    compiler_directives={
        "language_level": 3,
        "boundscheck": False,
        "wraparound": False,
        "cdivision": True,
        "initializedcheck": False,
        "embedsignature": True,
    },
)
core = Extension(
    "platypus._media._core",
    [source for module in generated for source in module.sources],
    include_dirs=["platypus/_media"],
    depends=HEADERS,  # their functions are inline
    extra_compile_args=compile_args,
    extra_link_args=link_args,
    libraries=libraries,
)

setup(
    options={"build_ext": {"parallel": True}},  # on every core
    cmdclass={"build_ext": BuildInOne},
    ext_modules=[] if SKIP else [core],
)
