"""Makes the virtual environment from nothing but make, Python and root or sudo.

    python3 scripts/bootstrap.py phone|test|lint|fuzz|bench

On Debian what is missing from the system is installed, after saying what; elsewhere it is named.
What the phone can do without (Tk, PortAudio, the servers that the tests call) is never fatal.
It uses the standard library alone and does not build the extensions: the Makefile does, and
only when their sources changed.
"""

from __future__ import annotations

import ctypes
import importlib.util
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import tomllib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
VENV_PYTHON = VENV / "bin" / "python"
# The tools that build the extensions, in the venv itself: the build is incremental that way.
BUILD_TOOLS = ["setuptools>=77", "wheel", "Cython>=3.0.10"]


@dataclass(frozen=True, slots=True)
class Need:
    """Something the system provides, and the Debian package that brings it."""

    what: str
    package: str
    present: Callable[[], bool]
    required: bool = False


def say(text: str) -> None:
    print(f"platypus: {text}", flush=True)


def loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def compiles(source: str, *libraries: str) -> bool:
    """Whether a C program with `source` in it builds and links: a file alone proves less."""
    compiler = os.environ.get("CC", "cc").split()
    if shutil.which(compiler[0]) is None:
        return False
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder, "probe.c")
        program.write_text(f"{source}\nint main(void) {{ return 0; }}\n")
        command = [*compiler, str(program), "-o", str(Path(folder, "probe"))]
        command += [f"-l{library}" for library in libraries]
        return subprocess.run(command, capture_output=True, check=False).returncode == 0


def program(*names: str) -> Callable[[], bool]:
    return lambda: all(shutil.which(name) for name in names)


def phone_needs() -> list[Need]:
    python = f"python{sys.version_info.major}.{sys.version_info.minor}"
    headers = Path(sysconfig.get_path("include"), "Python.h")
    return [
        Need("a C compiler", "gcc libc6-dev", lambda: compiles("#include <stdio.h>"), True),
        Need("the headers of this Python", f"{python}-dev", headers.exists, True),
        Need("venv", f"{python}-venv", lambda: has_module("ensurepip"), True),
        Need("Tk (the window)", "python3-tk", lambda: has_module("_tkinter")),
        Need(
            "PortAudio (the sound card)",
            "portaudio19-dev",
            lambda: compiles("#include <portaudio.h>", "portaudio"),
        ),
        Need("libopus (calls in full band)", "libopus0", lambda: loads("libopus.so.0")),
    ]


def test_needs() -> list[Need]:
    return [
        Need("Kamailio (a SIP server)", "kamailio", program("kamailio")),
        Need("Kamailio's TLS", "kamailio-tls-modules", library("kamailio/modules/tls.so")),
        Need("baresip (another phone)", "baresip-core", program("baresip")),
        Need("sipp (a call generator)", "sip-tester", program("sipp")),
        Need("valgrind (counts instructions)", "valgrind", program("valgrind")),
        Need("tshark (packet capture)", "tshark", program("tshark")),
        Need("ip (networks for tests)", "iproute2", program("ip")),
        Need("nft (routers for tests)", "nftables", program("nft")),
        Need("Xvfb (a display in memory)", "xvfb", program("Xvfb")),
        Need("xdotool (a hand on the mouse)", "xdotool", program("xdotool")),
        Need("ImageMagick (screenshots)", "imagemagick", program("import")),
        Need("PulseAudio (a sound card)", "pulseaudio", program("pulseaudio")),
        Need("PulseAudio's tools", "pulseaudio-utils", program("paplay", "parec", "pactl")),
        Need("D-Bus (a session's bus)", "dbus", program("dbus-run-session")),
        Need("dunst (shows notifications)", "dunst", program("dunst", "dunstctl")),
        Need(
            "Ayatana's indicators (a tray)",
            "ayatana-indicator-application",
            Path("/usr/libexec/ayatana-indicator-application").exists,
        ),
        Need(
            "GNOME's settings",
            "gsettings-desktop-schemas libglib2.0-bin",
            Path("/usr/share/glib-2.0/schemas/org.gnome.desktop.interface.gschema.xml").exists,
        ),
        Need("a desktop entry's validator", "desktop-file-utils", program("desktop-file-validate")),
        Need("GNOME's keychain", "gnome-keyring", program("gnome-keyring-daemon")),
        Need(
            "ALSA's way to PulseAudio",
            "libasound2-plugins",
            library("alsa-lib/libasound_module_pcm_pulse.so"),
        ),
    ]


def bench_needs() -> list[Need]:
    """Recorded speech for benchmarks/receiver.py, libsrtp for benchmarks/legs.py."""
    folder = Path("/usr/share")
    return [
        Need(
            "libsrtp's headers",
            "libsrtp2-dev",
            lambda: compiles("#include <srtp2/srtp.h>", "srtp2"),
        ),
    ] + [
        Need(what, package, (folder / probe).exists)
        for what, package, probe in (
            ("speech, Spanish", "asterisk-core-sounds-es-wav", "asterisk/sounds/es_MX_f_Allison"),
            ("speech, Italian", "asterisk-core-sounds-it-wav", "asterisk/sounds/it_IT_m_Carlo"),
            ("speech, English", "codec2-examples", "codec2/raw"),
        )
    ]


def library(name: str) -> Callable[[], bool]:
    return lambda: any(Path("/usr").glob(f"lib*/**/{name}"))


def has_module(name: str) -> bool:
    return importlib.util.find_spec(name) is not None


def provide(needs: Iterable[Need]) -> None:
    """Installs what is missing where that can be done, and says what stays missing."""
    missing = [need for need in needs if not need.present()]
    if missing and shutil.which("apt-get"):
        install(missing)
        importlib.invalidate_caches()
    lacking = [need for need in missing if not need.present()]
    for need in lacking:
        hint = f" (on Debian: {need.package})" if not own_python(need) else ""
        say(f"missing: {need.what}{hint}" + ("" if need.required else "; going on without it"))
    if any(need.required for need in lacking):
        sys.exit("platypus: install what is missing, then try again")


def own_python(need: Need) -> bool:
    """Whether the need belongs to a Python that is not the distribution's: no package helps it."""
    return need.package.startswith("python3") and sys.base_prefix != "/usr"


def install(missing: list[Need]) -> None:
    wanted = [need for need in missing if not own_python(need)]
    if not wanted:
        return
    say("these Debian packages are missing and will be installed:")
    for need in wanted:
        say(f"    {need.package:<20} {need.what}")
    root = [] if os.geteuid() == 0 else ["sudo"]
    if root and shutil.which("sudo") is None:
        say("that needs root, and there is no sudo: run `make` as root once")
        return
    packages = [name for need in wanted for name in need.package.split()]
    if not apt(root, "update"):
        say("apt-get update failed; trying with the lists there are")
    # One package that this release does not have must not keep the others away.
    if not apt(root, "install", *packages):
        for need in wanted:
            apt(root, "install", *need.package.split())
    if "kamailio" in packages and Path("/run/systemd/system").exists():
        say("Debian starts Kamailio at once; stopping and disabling that service")
        subprocess.run([*root, "systemctl", "disable", "--now", "--quiet", "kamailio"], check=False)


def apt(root: list[str], *arguments: str) -> bool:
    options = ["-qq", "-y", "--no-install-recommends", "-o", "Dpkg::Use-Pty=0"]
    options += ["-o", "DPkg::Lock::Timeout=300"]
    # sudo drops the environment, so the variable goes through env(1).
    command = [*root, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", *options, *arguments]
    result = subprocess.run(
        command,
        stdin=subprocess.DEVNULL if not root else None,
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode:
        say(
            f"apt-get {' '.join(arguments)} failed:\n{result.stdout[-1000:]}{result.stderr[-2000:]}"
        )
    return result.returncode == 0


def make_venv() -> None:
    if VENV.exists() and not usable(VENV_PYTHON):
        say("the virtual environment belongs to another Python; making a new one")
        shutil.rmtree(VENV)
    if not VENV.exists():
        say(f"making .venv with Python {sys.version.split()[0]} ({sys.executable})")
        subprocess.run([sys.executable, "-m", "venv", str(VENV)], check=True)


def usable(python: Path) -> bool:
    """Whether the environment's Python runs, has pip, and is the version that was asked for."""
    code = "import sys, pip; print(sys.version_info[:2])"
    try:
        answer = subprocess.run([python, "-c", code], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return False
    return answer.stdout.strip() == str(sys.version_info[:2])


def pip(*arguments: str, quiet_failure: bool = False) -> bool:
    command = [str(VENV_PYTHON), "-m", "pip", "--disable-pip-version-check", "--no-input", "-qq"]
    # The Makefile builds the extensions; pip would do so a second time.
    environment = {**os.environ, "PLATYPUS_NO_EXTENSIONS": "1"}
    result = subprocess.run(
        [*command, *arguments], cwd=ROOT, env=environment, capture_output=quiet_failure, check=False
    )
    return result.returncode == 0


def requirements(extra: str) -> list[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return list(project["optional-dependencies"][extra])


def set_up_phone() -> None:
    provide(phone_needs())
    make_venv()
    say("installing the Python packages")
    if not pip("install", *BUILD_TOOLS) or not pip("install", "--no-build-isolation", "-e", "."):
        sys.exit("platypus: pip failed; see above")
    desktop = requirements("desktop")
    if not pip("install", *desktop, quiet_failure=True):
        for requirement in desktop:
            if not pip("install", requirement, quiet_failure=True):
                say(f"missing: {requirement} could not be built; {lost(requirement)}")


def lost(requirement: str) -> str:
    if requirement.startswith("PyAudio"):
        return "no sound card then (it needs portaudio19-dev): calls use files and tones"
    return "going on without it"


def main(stage: str) -> None:
    # dpkg refuses to work without sbin in PATH, and a clean environment has none.
    os.environ["PATH"] = (
        os.environ.get("PATH", "/usr/bin:/bin") + ":/usr/local/sbin:/usr/sbin:/sbin"
    )
    match stage:
        case "phone":
            set_up_phone()
        case "test":
            provide(test_needs())
            say("installing the Python packages of the tests")
            if not pip("install", *requirements("test")):
                sys.exit("platypus: pip failed; see above")
        case "fuzz":
            if not pip("install", *requirements("fuzz"), quiet_failure=True):
                say("missing: atheris has no wheel for this Python; nothing will be fuzzed")
        case "lint":
            if not pip("install", *requirements("lint")):
                sys.exit("platypus: pip failed; see above")
        case "bench":
            provide(bench_needs())
            if not pip("install", *requirements("bench")):
                sys.exit("platypus: pip failed; see above")
        case _:
            sys.exit("usage: bootstrap.py phone|test|lint|fuzz|bench")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "")
