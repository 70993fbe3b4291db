"""The console script `colmatch`: becomes the program, which is in the package (or in the build folder)."""

from __future__ import annotations

import os
import sys

from ._loading import PACKAGE


def program_path() -> str:
    """The program's file. Raises FileNotFoundError."""
    for path in (PACKAGE / "bin" / "colmatch", PACKAGE.parent.parent / "colmatch"):
        if path.is_file() and os.access(path, os.X_OK):
            return str(path)
    raise FileNotFoundError(f"there is no program {PACKAGE / 'bin' / 'colmatch'}: install colmatch again")


def main() -> None:
    path = program_path()
    os.execv(path, ["colmatch", *sys.argv[1:]])
