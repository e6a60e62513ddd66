"""Rules of direction: which part of Platypus may know which other, and which library.

Read from the sources (`ast` for Python, the import lines of Cython), so that an import inside a
function or under TYPE_CHECKING counts too. What a fresh interpreter loads is measured at the end.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

# Each part and the parts it may import, beside itself. The engine's part is every other module at
# the top of the package: engine, account, call, negotiation and what they are split into.
ALLOWED: dict[str, set[str]] = {
    "errors": set(),
    "version": set(),
    "events": {"errors", "engine", "sip"},  # an event carries the handle it is about
    "sip": {"errors"},
    "sdp": {"errors"},
    "_media": set(),
    "net": {"sip", "errors"},
    "media": {"_media", "errors"},
    "audio": {"_media", "errors"},
    "config": {"errors"},
    "engine": {"sip", "sdp", "media", "net", "audio", "events", "errors", "version"},
    "upper": {
        *("engine", "sip", "sdp", "media", "net", "audio", "events", "errors", "version"),
        "config",
    },
    "cli": {
        *("upper", "engine", "sip", "sdp", "media", "_media", "net", "audio", "events", "errors"),
        *("config", "version"),
    },
    "public": {"engine", "events", "errors", "version", "audio", "net"},
    "ui": {"public", "events", "errors", "config", "upper"},
}
PARTS = {
    **{
        name: name for name in ("errors", "events", "sip", "sdp", "_media", "net", "media", "audio")
    },
    **dict.fromkeys(
        (
            *("config", "contacts", "credentials", "files", "history", "importing", "instance"),
            *("local", "vault"),
        ),
        "config",
    ),
    **dict.fromkeys(("pbx", "control", "selftest", "diagnose", "replay"), "upper"),
    "_version": "version",
    "cli": "cli",
    "__main__": "cli",
    "__init__": "public",
}

# Libraries and the only files, or parts, that may name them.
ONLY_IN = {
    "keyring": {"platypus/credentials.py"},
    "pyaudio": {"platypus/audio/portaudio.py"},
    "pylibsrtp": {"platypus/media/srtp.py"},
    "OpenSSL": {"platypus/media/dtls.py"},
    "dns": {"platypus/net/resolver.py"},
    "tkinter": {"ui_tk/"},
    # The running phone does not need it: 30 MB and 0.1 s.
    "numpy": set(),
    "scipy": set(),
}
PURE = {"sip", "sdp", "errors"}
IMPURE = {"asyncio", "socket", "ssl", "threading", "time", "select", "selectors", "subprocess"}
# asyncio, socket and ssl live in net, in the engine and in what stands above.
NO_LOOP = {"media", "audio", "config", "_media"}
LOOP = {"asyncio", "ssl"}


@dataclass(frozen=True, slots=True)
class Import:
    """One imported module, and where it is imported."""

    file: str
    line: int
    module: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line} imports {self.module}"


def part_of(module: str) -> str:
    """The part a dotted name of ours belongs to; unknown top-level modules are the engine's."""
    package, _, rest = module.partition(".")
    if package == "ui_tk":
        return "ui"
    return PARTS.get(rest.partition(".")[0] or "__init__", "engine")


def part_of_file(file: str) -> str:
    return part_of(file.rsplit(".", 1)[0].replace("/", ".").removesuffix(".__init__"))


def is_ours(module: str) -> bool:
    return module.partition(".")[0] in ("platypus", "ui_tk")


def resolve(name: str, member: str) -> str:
    """`from platypus import events` means the module, `from platypus import Engine` the package."""
    path = ROOT.joinpath(*name.split("."), member)
    known = path.is_dir() or any(path.with_suffix(s).exists() for s in (".py", ".pyx", ".pxd"))
    return f"{name}.{member}" if is_ours(name) and known else name


def python_imports(file: str, source: str) -> Iterator[Import]:
    for node in ast.walk(ast.parse(source, file)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(file, node.lineno, alias.name)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}:{node.lineno}: a relative import hides its direction"
            for alias in node.names:
                yield Import(file, node.lineno, resolve(node.module or "", alias.name))
        elif isinstance(node, ast.Call) and _named(node.func) in ("import_module", "__import__"):
            for argument in node.args[:1]:
                if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                    yield Import(file, node.lineno, argument.value)


def _named(function: ast.expr) -> str:
    return getattr(function, "attr", getattr(function, "id", ""))


CYTHON_IMPORT = re.compile(r"^\s*(?:from\s+([\w.]+)\s+c?import\s+(\w+|\()|c?import\s+([\w.]+))")


def cython_imports(file: str, source: str) -> Iterator[Import]:
    for number, line in enumerate(source.splitlines(), 1):
        if match := CYTHON_IMPORT.match(line):
            yield Import(file, number, match[3] or resolve(match[1], match[2]))


def sources() -> Iterator[tuple[str, str]]:
    for folder in ("platypus", "ui_tk"):
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in (".py", ".pyi", ".pyx", ".pxd"):
                yield path.relative_to(ROOT).as_posix(), path.read_text()


def all_imports() -> list[Import]:
    found: list[Import] = []
    for file, source in sources():
        scan = cython_imports if file.endswith((".pyx", ".pxd")) else python_imports
        found += scan(file, source)
    return found


IMPORTS = all_imports()


def wrong_directions(imports: list[Import]) -> list[str]:
    return [
        str(found)
        for found in imports
        if is_ours(found.module)
        and part_of(found.module) != part_of_file(found.file)
        and part_of(found.module) not in ALLOWED[part_of_file(found.file)]
    ]


def test_every_part_is_scanned() -> None:
    assert {part_of_file(found.file) for found in IMPORTS} >= {
        "sip",
        "sdp",
        "net",
        "media",
        "_media",
    }
    assert {part_of_file(found.file) for found in IMPORTS} >= {"engine", "cli", "ui", "upper"}


def test_no_import_goes_against_the_direction() -> None:
    assert wrong_directions(IMPORTS) == []


@pytest.mark.parametrize(
    ("file", "source"),
    [
        ("platypus/sip/uri.py", "from platypus.sdp import description"),
        ("platypus/sdp/x.py", "def f():\n    import platypus.sip.uri"),
        ("platypus/media/x.py", "from platypus import engine"),
        ("platypus/engine.py", "from platypus.pbx import server"),
        ("platypus/engine.py", "import importlib\nimportlib.import_module('platypus.cli')"),
        ("platypus/pbx/x.py", "from platypus.cli import main"),
        ("ui_tk/x.py", "from platypus.engine import Engine"),
        ("platypus/net/x.py", "from ui_tk import app"),
    ],
)
def test_the_scan_finds_a_wrong_direction(file: str, source: str) -> None:
    assert len(wrong_directions(list(python_imports(file, source)))) == 1


def test_the_media_core_knows_nothing_but_cython_and_libc() -> None:
    # Stubs may name typing_extensions: type checkers know it, and nothing loads it.
    known = {
        "typing_extensions",
        "cython",
        "libc",
        "cpython",
        "posix",
        "platypus",
        *sys.stdlib_module_names,
    }
    strangers = [
        str(found)
        for found in IMPORTS
        if part_of_file(found.file) == "_media" and found.module.partition(".")[0] not in known
    ]
    assert strangers == []


def test_the_pure_parts_read_no_clock_and_open_no_socket() -> None:
    impure = [
        str(found)
        for found in IMPORTS
        if (part_of_file(found.file) in PURE or found.file == "platypus/negotiation.py")
        and found.module.partition(".")[0] in IMPURE
    ]
    assert impure == []


def test_asyncio_and_ssl_live_in_net_and_from_the_engine_up() -> None:
    below = [
        str(found)
        for found in IMPORTS
        if part_of_file(found.file) in NO_LOOP and found.module.partition(".")[0] in LOOP
    ]
    assert below == []


@pytest.mark.parametrize("library", ONLY_IN)
def test_a_library_is_named_only_where_it_belongs(library: str) -> None:
    elsewhere = [
        str(found)
        for found in IMPORTS
        if found.module.partition(".")[0] == library
        and not any(found.file.startswith(place) for place in ONLY_IN[library])
    ]
    assert elsewhere == []


HEAVY = {"numpy", "scipy", "keyring", "pyaudio", "tkinter", "_tkinter", "dns", "cryptography"}


@pytest.mark.parametrize("module", ["platypus", "platypus.cli", "platypus.engine"])
def test_the_start_imports_nothing_it_does_not_need_at_once(module: str) -> None:
    code = f"import sys, {module}; print(*sorted({{m.partition('.')[0] for m in sys.modules}}))"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert result.returncode == 0, result.stderr
    assert HEAVY & set(result.stdout.split()) == set()


def test_the_package_alone_does_not_import_the_command_line_or_asyncio() -> None:
    code = "import sys, platypus; print(*sys.modules)"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True
    )
    assert {"platypus.cli", "argparse", "ui_tk"} & set(result.stdout.split()) == set()
