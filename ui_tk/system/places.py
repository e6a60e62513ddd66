"""Where the running phone meets other programs of the same user, and of nobody else."""

from __future__ import annotations

import os
import stat
from pathlib import Path


def private_folder() -> Path:
    """A folder that only this user can enter, made if need be. Raises OSError where it can't be."""
    from platformdirs import user_runtime_path, user_state_path

    candidates = [user_runtime_path("platypus", appauthor=False)]
    candidates.append(user_state_path("platypus", appauthor=False) / "run")
    problem: OSError | None = None
    for folder in candidates:
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if os.name == "posix":
                found = folder.lstat()
                if found.st_uid != os.getuid() or not stat.S_ISDIR(found.st_mode):
                    raise OSError(f"{folder} belongs to somebody else")
                folder.chmod(0o700)
            return folder
        except OSError as error:
            problem = error
    raise OSError(f"no private folder: {problem}")
