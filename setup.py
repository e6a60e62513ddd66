"""The compiled extensions; everything else is in pyproject.toml."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup

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

extensions = [
    Extension(
        ".".join(("platypus", "_media", source.stem)),
        [source.relative_to(HERE).as_posix()],
        include_dirs=["platypus/_media"],
        depends=HEADERS,  # their functions are inline
        extra_compile_args=compile_args,
        extra_link_args=link_args,
        libraries=libraries,
    )
    for source in sorted((HERE / "platypus" / "_media").glob("*.pyx"))
    if not SKIP
]

setup(
    options={"build_ext": {"parallel": True}},  # on every core
    ext_modules=cythonize(
        extensions,
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
    ),
)
