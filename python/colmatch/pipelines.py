"""The program's commands on COLMAP's database, as functions: extract_features, match_*, verify_matches, reconstruct.

Every option of the command is a keyword, with the program's name (its group left out), default and check: the arguments
are made and parsed as on the command line. The rows in the database are the program's, bit for bit.
"""

from __future__ import annotations

import textwrap
from typing import Any, Tuple

from ._observer import Progress
from ._options import documentation, signature
from ._running import Summary, run_command


def _define(name: str, command: str, positional: Tuple[str, ...], what: str):
    """A function that runs a command; its signature and documentation are the option table's."""

    def function(*args: Any, progress: Progress = None, **options: Any) -> Summary:
        if len(args) > len(positional):
            raise TypeError(f"{name}() takes {len(positional)} positional arguments, found {len(args)}")
        given = dict(zip(positional, args))
        twice = [keyword for keyword in given if keyword in options]
        if twice:
            raise TypeError(f"{name}() got several values for {twice[0]}")
        missing = [keyword for keyword in positional if keyword not in given and keyword not in options]
        if missing:
            raise TypeError(f"{name}() lacks {missing[0]}")
        return run_command(command, {**given, **options}, progress)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = "\n".join([
        *textwrap.wrap(f"{what} As `colmatch {command}`.", 110), "",
        f"Positional: {', '.join(positional)}. progress: True, False, None (where somebody sees it), or a function of "
        "(label, done, total).",
        "Returns a Summary. Raises UsageError, EnvironmentError, WeightsError; KeyboardInterrupt after Ctrl-C.", "",
        "Options:", documentation(command, positional)])
    function.__signature__ = signature(command, positional)
    return function


# Function, command, positional options, first line.
COMMANDS = (
    ("extract_features", "feature_extractor", ("database_path", "image_path"),
     "Finds SuperPoint features in the photos of a folder, into COLMAP's database."),
    ("match_exhaustive", "exhaustive_matcher", ("database_path",), "Matches and verifies all pairs."),
    ("match_sequential", "sequential_matcher", ("database_path",), "Matches photos with those that follow by name."),
    ("match_spatial", "spatial_matcher", ("database_path",), "Matches photos with those taken near them."),
    ("match_from_retrieval", "retrieval_matcher", ("database_path",), "Matches photos with those that look alike."),
    ("import_matches", "matches_importer", ("database_path", "match_list_path"),
     "Matches the pairs of a list, or imports matches."),
    ("verify_matches", "geometric_verifier", ("database_path",), "Verifies matches without two-view geometry."),
    ("reconstruct", "automatic_reconstructor", ("workspace_path", "image_path"),
     "From photos to a COLMAP model: features, pairs, matches, mapper (colmap must be on PATH), report."),
)

for _name, _command, _positional, _what in COMMANDS:
    globals()[_name] = _define(_name, _command, _positional, _what)

__all__ = ["Summary", "run_command", *(entry[0] for entry in COMMANDS)]
