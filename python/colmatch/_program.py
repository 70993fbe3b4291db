"""The console script `colmatch`: the program of the package (or of the build folder), and the commands on HDF5."""

from __future__ import annotations

import argparse
import os
import sys
from typing import List, NoReturn

from ._loading import PACKAGE


def program_path() -> str:
    """The program's file. Raises FileNotFoundError."""
    for path in (PACKAGE / "bin" / "colmatch", PACKAGE.parent.parent / "colmatch"):
        if path.is_file() and os.access(path, os.X_OK):
            return str(path)
    raise FileNotFoundError(f"there is no program {PACKAGE / 'bin' / 'colmatch'}: install colmatch again")


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(1, f"error: {message}\n")  # the program's status of bad usage


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="colmatch", description="Features and matches in HDF5, as hloc has them.")
    commands = parser.add_subparsers(dest="command", required=True)

    def add(name: str, what: str, *paths: str) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=what, description=what)
        for path in paths:
            command.add_argument(f"--{path}", required=True)
        return command

    add("export_features", "Features of a database to HDF5", "database_path", "output_path").add_argument(
        "--half", action="store_true", help="floats in 16 bits, as hloc's as_half")
    add("export_matches", "Matches of a database to HDF5", "database_path", "output_path").add_argument(
        "--verified", action="store_true", help="those that passed the geometric verification")
    command = add("import_features", "Features of HDF5 into a database", "database_path", "input_path", "image_path")
    command.add_argument("--camera_model", default=None, help="COLMAP's camera model name")
    command.add_argument("--single_camera", default=None, help="one camera for all photos")
    add("import_matches", "Matches of HDF5 into a database, verified", "database_path", "input_path").add_argument(
        "--match_type", default="raw", choices=["raw", "inliers"], help="inliers: take them as verified")
    command = add("match", "Match the pairs of a list, to HDF5", "pairs", "output")
    command.add_argument("--image_path", default=None, help="folder of the photos")
    command.add_argument("--features_path", default=None, help="HDF5 with their features")
    command.add_argument("--weights", default="default")
    return parser


def _run(options: dict) -> None:
    from . import hdf5

    command = options.pop("command")
    if command == "match":
        weights = options.pop("weights")
        summary = hdf5.match_pairs(hdf5.read_pairs(options.pop("pairs")), options.pop("output"), weights=weights,
                                   extractor={"weights": weights}, **options)
    else:
        summary = getattr(hdf5, command)(**options)
    print(", ".join(f"{value} {name}" for name, value in summary.counts.items()))
    for name, reason in summary.skipped:
        print(f"skipped {name}: {reason}", file=sys.stderr)
    if summary.skipped:
        sys.exit(2)


def main(arguments: "List[str] | None" = None) -> None:
    arguments = sys.argv[1:] if arguments is None else arguments
    command = arguments[0] if arguments else ""
    of_hdf5 = command in ("export_features", "export_matches", "import_features", "import_matches") or (
        command == "match" and any(a.partition("=")[0] == "--pairs" for a in arguments))
    if not of_hdf5:
        os.execv(program_path(), ["colmatch", *arguments])
    from .errors import EnvironmentError, Error, InputError, UsageError, WeightsError

    try:
        _run(vars(_parser().parse_args(arguments)))
    except Error as error:
        statuses = ((UsageError, 1), (InputError, 2), (EnvironmentError, 3), (WeightsError, 4))
        print(f"error: {error}", file=sys.stderr)
        sys.exit(next((status for cls, status in statuses if isinstance(error, cls)), 3))
    except KeyboardInterrupt:
        sys.exit(130)
