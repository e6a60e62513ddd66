"""`python -m ui_tk`: the phone's window, from the configuration file or the command line."""

from __future__ import annotations

import argparse
import gc
import sys
import tkinter as tk
from collections.abc import Sequence
from pathlib import Path

from platypus import ConfigError
from platypus.config import default_path, load
from ui_tk.palette import APPEARANCES
from ui_tk.startup import overrides
from ui_tk.system.links import is_link
from ui_tk.system.single_instance import Instance, hand_over
from ui_tk.texts import LANGUAGES

COLLECT_AFTER = 20_000
COLLECT_SMALL = (2_000, 5, 5)
DONE, USAGE, NO_DISPLAY = 0, 2, 6


def main(arguments: Sequence[str] | None = None) -> int:
    # Collections while the modules load find nothing; later each would hold up a click.
    gc.set_threshold(COLLECT_AFTER, 10, 10)
    parser = _parser()
    options = parser.parse_args(arguments)
    try:
        config = load(options.config)
    except ConfigError as error:
        print(f"platypus: {error}", file=sys.stderr)  # noqa: T201 - there is no window yet
        return USAGE
    said = overrides(parser, options)
    if options.link is not None and not is_link(options.link):
        parser.error(f"{options.link!r} is not a sip:, sips:, tel: or callto: link")
    links = [] if options.link is None else [options.link]
    instance = None
    if not (options.config or options.account or options.listen):  # those are phones of their own
        instance, handed = _first(links)
        if handed:
            return DONE
    try:
        root = tk.Tk(className="Platypus")
        root.withdraw()  # until everything is in its place
    except tk.TclError as error:
        print(  # noqa: T201 - there is no window to say it in
            f"platypus: no window: {error}; without a display use `platypus agent` or"
            " `platypus demo`",
            file=sys.stderr,
        )
        return NO_DISPLAY
    from platypus.contacts.book import Book  # the rest is needed only from here
    from platypus.contacts.book import default_path as contacts_path
    from platypus.history import History
    from platypus.history import default_path as history_path
    from ui_tk.app import App

    book, history = Book(contacts_path()), History(history_path())
    app = App(
        root,
        config,
        said,
        options.config or default_path(),
        book=book,
        history=history,
        instance=instance,
        links=links,
        minimized=options.minimized,
    )
    gc.collect()
    gc.freeze()  # what is there now stays: it needs not be looked through again
    gc.set_threshold(*COLLECT_SMALL)  # so that a full collection is short, and can be frequent
    app.run()
    return DONE


def _first(links: Sequence[str]) -> tuple[Instance | None, bool]:
    """This phone's claim to be the user's only one; or True where the one that runs took over."""
    try:
        instance = Instance.claim()
        if instance is None and hand_over(links):
            return None, True
    except OSError as error:  # no folder for it: then there may be two
        print(f"platypus: {error}", file=sys.stderr)  # noqa: T201 - there is no window yet
        instance = None
    return instance, False


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="platypus-gui",
        description="The phone's window. Without an account it registers to a PBX of its own.",
    )
    parser.add_argument(
        "link", nargs="?", metavar="LINK", help="sip:, sips:, tel: or callto:, to be called"
    )
    parser.add_argument("--minimized", action="store_true", help="start out of the way")
    parser.add_argument("--config", type=Path, metavar="FILE", help="instead of the usual file")
    parser.add_argument("--account", metavar="sip:USER@HOST", help="instead of the file's accounts")
    parser.add_argument("--auth-user", metavar="NAME")
    parser.add_argument("--password-env", metavar="VAR", help="asked for without it")
    parser.add_argument("--registrar", metavar="sip:HOST[:PORT]")
    parser.add_argument("--outbound-proxy", metavar="sip:HOST[:PORT]")
    parser.add_argument("--no-register", action="store_true")
    parser.add_argument("--listen", type=_address, metavar="HOST:PORT")
    parser.add_argument("--audio", metavar="system|null|tone|echo|wav:FILE|wav-loop:FILE")
    parser.add_argument("--input", metavar="NAME", help="the microphone")
    parser.add_argument("--output", metavar="NAME", help="the loudspeaker")
    parser.add_argument("--appearance", choices=APPEARANCES)
    parser.add_argument("--language", choices=tuple(LANGUAGES))
    parser.add_argument("--scale", type=_scale, metavar="FACTOR", help="1 is 96 dots an inch")
    return parser


def _address(text: str) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    if not (colon and host and port.isdigit() and int(port) <= 65_535):
        raise argparse.ArgumentTypeError(f"{text!r} is not HOST:PORT")
    return host.strip("[]"), int(port)


def _scale(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0.5 <= value <= 4:
        raise argparse.ArgumentTypeError("is a number from 0.5 to 4")
    return value


if __name__ == "__main__":
    sys.exit(main())
