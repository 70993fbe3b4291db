"""The program's commands on COLMAP's database, as functions: extract_features, match_*, verify_matches, reconstruct.

Every option of the command is a keyword, with the program's name (its group left out), default and check: the arguments
are made and parsed as on the command line. The rows in the database are the program's, bit for bit.
"""

from __future__ import annotations

import os
import textwrap
from dataclasses import dataclass, field
from typing import Any, Dict, List, Tuple

from ._loading import native
from ._observer import Observer, Progress
from ._options import arguments, documentation, signature


@dataclass
class Summary:
    """What a command did."""

    counts: Dict[str, int] = field(default_factory=dict)
    """By name, such as `extracted`, `matched`, `verified`, `num_inliers`, `num_registered`."""
    skipped: List[Tuple[str, str]] = field(default_factory=list)
    """Inputs that could not be used, each with the reason."""

    def __getattr__(self, name: str) -> int:
        try:
            return self.__dict__["counts"][name]
        except KeyError:
            raise AttributeError(f"Summary has no {name}; it has {', '.join(self.__dict__.get('counts', {}))}") from None


def run_command(command: str, options: Dict[str, Any], progress: Progress = None) -> Summary:
    """Runs a command of the program in this process, without the GIL. Raises colmatch.Error's classes; on Ctrl-C the
    work in hand is stored, then KeyboardInterrupt: the same call goes on where it stopped."""
    with Observer(progress) as observer:
        status, counts, skipped = native().run([command.encode(), *arguments(command, options)], observer)
    decode = os.fsdecode
    return Summary(dict(counts), [(decode(name), reason.decode("utf-8", "backslashreplace")) for name, reason in skipped])


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
