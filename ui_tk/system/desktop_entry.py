"""The phone in the menu, as the handler of telephone links, and started at login.

Linux: freedesktop.org's desktop entries, in the user's own folders. Windows: the user's part of the
registry. macOS starts it at login by a launch agent; links belong to an application bundle
there, which this is not. Everything can be taken back.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from ui_tk.system.links import SCHEMES

IDENTITY = "platypus"
_RUN = r"Software\Microsoft\Windows\CurrentVersion\Run"

_ENTRY = """[Desktop Entry]
Type=Application
Name=Platypus
GenericName=Telephone
GenericName[de]=Telefon
GenericName[fr]=Téléphone
Comment=Calls through any SIP server
Exec={command} %u
Icon=call-start
Terminal=false
StartupWMClass=Platypus
Categories=Network;Telephony;
Keywords=SIP;VoIP;phone;call;
MimeType={types}
"""


def command(*arguments: str) -> list[str]:
    """How this installation starts its window."""
    script = shutil.which("platypus-gui", path=str(Path(sys.executable).parent))
    return [script, *arguments] if script else [sys.executable, "-m", "ui_tk", *arguments]


def install() -> list[str]:
    """Put the phone into the menu and make it the handler of links; what was done, in sentences.

    Raises OSError where the user's folders can't be written.
    """
    if sys.platform == "win32":
        return _install_windows()
    if sys.platform == "darwin":
        return ["macOS gives links to application bundles only; nothing was changed."]
    entry = _data_home() / "applications" / f"{IDENTITY}.desktop"
    entry.parent.mkdir(parents=True, exist_ok=True)
    types = "".join(f"x-scheme-handler/{scheme};" for scheme in SCHEMES)
    entry.write_text(_ENTRY.format(command=_quoted(command()), types=types))
    done = [f"The menu has Platypus ({entry})."]
    tools = (
        ["update-desktop-database", str(entry.parent)],
        ["xdg-mime", "default", entry.name, *(f"x-scheme-handler/{each}" for each in SCHEMES)],
    )
    failed = [tool[0] for tool in tools if not _run(tool)]
    if failed:
        done.append(f"Links may need a new login to work: {' and '.join(failed)} did not run.")
    return done


def remove() -> None:
    if sys.platform == "win32":
        _remove_windows()
        return
    (_data_home() / "applications" / f"{IDENTITY}.desktop").unlink(missing_ok=True)


def is_installed() -> bool:
    return (_data_home() / "applications" / f"{IDENTITY}.desktop").exists()


def starts_at_login() -> bool:
    if sys.platform == "win32":
        import winreg

        try:
            with winreg.OpenKey(winreg.HKEY_CURRENT_USER, _RUN) as key:
                winreg.QueryValueEx(key, "Platypus")
        except OSError:
            return False
        return True
    return _login_file().exists()


def set_start_at_login(on: bool) -> None:
    """Start with the desktop, out of the way. Raises OSError."""
    start = command("--minimized")
    if sys.platform == "win32":
        import winreg

        with winreg.CreateKey(winreg.HKEY_CURRENT_USER, _RUN) as key:
            if on:
                winreg.SetValueEx(key, "Platypus", 0, winreg.REG_SZ, subprocess.list2cmdline(start))
            elif starts_at_login():
                winreg.DeleteValue(key, "Platypus")
        return
    file = _login_file()
    if not on:
        file.unlink(missing_ok=True)
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    if sys.platform == "darwin":
        import plistlib

        agent = {"Label": "platypus", "ProgramArguments": start, "RunAtLoad": True}
        file.write_bytes(plistlib.dumps(agent))
        return
    text = _ENTRY.format(command=_quoted(start), types="").replace(" %u", "")
    file.write_text(text.replace("MimeType=\n", ""))


def _login_file() -> Path:
    if sys.platform == "darwin":
        return Path.home() / "Library" / "LaunchAgents" / "platypus.plist"
    return _config_home() / "autostart" / f"{IDENTITY}.desktop"


def _quoted(words: Sequence[str]) -> str:
    """As the specification quotes an Exec key: in double quotes, and a percent sign twice."""
    plain = [word.replace("%", "%%") for word in words]
    return " ".join(
        word
        if shlex.quote(word) == word
        else '"' + "".join(f"\\{each}" if each in '"`$\\' else each for each in word) + '"'
        for word in plain
    )


def _data_home() -> Path:
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")


def _config_home() -> Path:
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")


def _run(tool: Sequence[str]) -> bool:
    path = shutil.which(tool[0])
    if path is None:
        return False
    try:
        result = subprocess.run([path, *tool[1:]], capture_output=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return result.returncode == 0


def _install_windows() -> list[str]:
    if sys.platform != "win32":  # mypy reads each system's branch by this
        return []
    import winreg

    start = subprocess.list2cmdline(command()) + ' "%1"'
    for scheme in SCHEMES:
        base = rf"Software\Classes\{scheme}"
        with winreg.CreateKey(winreg.HKEY_CURRENT_USER, base) as key:
            winreg.SetValueEx(key, "", 0, winreg.REG_SZ, f"URL:{scheme}")
            winreg.SetValueEx(key, "URL Protocol", 0, winreg.REG_SZ, "")
        with winreg.CreateKey(winreg.HKEY_CURRENT_USER, rf"{base}\shell\open\command") as key:
            winreg.SetValueEx(key, "", 0, winreg.REG_SZ, start)
    return ["Telephone links open Platypus, once Windows has asked which program to use."]


def _remove_windows() -> None:
    if sys.platform != "win32":
        return
    import winreg

    for scheme in SCHEMES:
        for part in (r"\shell\open\command", r"\shell\open", r"\shell", ""):
            try:
                winreg.DeleteKey(winreg.HKEY_CURRENT_USER, rf"Software\Classes\{scheme}{part}")
            except OSError:
                break
