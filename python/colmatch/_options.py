"""Keyword options to the program's arguments, by the option tables of the C++ side: names, defaults and checks have
their home there (plugin/*_options.cc)."""

from __future__ import annotations

import difflib
import functools
import inspect
import numbers
import os
from typing import Any

from ._loading import native
from .errors import UsageError

# Of the program alone: Python shows progress and log lines itself (_observer.py), and has no program's end.
_OF_THE_PROGRAM = {"progress", "project_path"}


@functools.lru_cache(maxsize=None)
def table(command: str) -> tuple[dict, ...]:
    """The options of a command, or of FeatureExtractor and FeatureMatcher, as C++ declares them."""
    return tuple(option for option in native().describe_options(command) if option["name"] not in _OF_THE_PROGRAM)


def _identifier(name: str) -> str:
    return name.replace(".", "_").replace("-", "_")


@functools.lru_cache(maxsize=None)
def keywords(command: str) -> dict[str, dict]:
    """Keyword to option. `SuperPoint.max_num_features` is `max_num_features`, and `SuperPoint_max_num_features`; where
    two options have the same last name, the short keyword is the one's without a group."""
    options = table(command)
    found: dict[str, dict] = {}

    def add_full_names(hidden: bool) -> None:
        for option in options:
            if option["hidden"] == hidden:
                for spelling in (option["name"], *option["aliases"]):
                    found.setdefault(_identifier(spelling), option)

    add_full_names(hidden=False)
    short: dict[str, list[dict]] = {}
    for option in options:
        if not option["hidden"]:
            short.setdefault(_identifier(option["name"].rpartition(".")[2]), []).append(option)
    for keyword, candidates in short.items():
        if len(candidates) == 1:
            found.setdefault(keyword, candidates[0])
    add_full_names(hidden=True)  # COLMAP's, taken as on the command line
    return found


def keyword_of(command: str, option: dict) -> str:
    """The shortest keyword that means the option."""
    short = _identifier(option["name"].rpartition(".")[2])
    return short if keywords(command).get(short) is option else _identifier(option["name"])


def _text(keyword: str, value: Any) -> str | bytes:
    if isinstance(value, (bool,)) or type(value).__name__ in ("bool_", "bool"):
        return "1" if value else "0"
    if isinstance(value, numbers.Integral):
        return str(int(value))
    if isinstance(value, numbers.Real):
        return repr(float(value))
    if isinstance(value, (str, bytes, os.PathLike)):
        return os.fsencode(value)
    if isinstance(value, (list, tuple)) or hasattr(value, "tolist"):
        return ",".join(str(_text(keyword, item)) for item in (value.tolist() if hasattr(value, "tolist") else value))
    raise UsageError(f"{keyword} = {value!r}: expected a number, a text, a path or a list of numbers, found "
                     f"{type(value).__name__}")


def arguments(command: str, options: dict[str, Any]) -> list[bytes]:
    """Options as the program's arguments; None leaves an option at its default. Raises UsageError for a keyword that the
    command does not have."""
    known = keywords(command)
    result: list[bytes] = []
    for keyword, value in options.items():
        option = known.get(keyword) or known.get(_identifier(keyword))
        if option is None:
            near = difflib.get_close_matches(keyword, known, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise UsageError(f"{command} has no option {keyword}{hint} (help shows all options)")
        if value is None:
            continue
        text = _text(keyword, value)
        name = os.fsencode("--" + option["name"])
        text = text if isinstance(text, bytes) else text.encode()
        # An empty value must be an argument of its own.
        result += [name + b"=" + text] if text else [name, text]
    return result


_TYPES = {"INT": "int", "UINT": "int", "FLOAT": "float", "BOOLEAN": "bool", "TEXT": "str"}


def type_of(option: dict) -> str:
    """The option's Python type, as text."""
    base = option["type"].partition(":")[0].partition(" ")[0]
    if option["name"].endswith("scales"):
        return "Sequence[float]"
    if option["name"].endswith("_path"):
        return "str | os.PathLike"
    return _TYPES.get(base, "str")


def default_of(option: dict) -> Any:
    """The default as a Python value; None where the program decides (it has no fixed one)."""
    text, kind = option["default"], type_of(option)
    if text == "":
        return "" if kind in ("str", "str | os.PathLike") else None
    if kind == "bool":
        return text in ("1", "true")
    if kind in ("int", "float"):
        return int(text) if kind == "int" else float(text)
    return text.strip('"')


def signature(command: str, positional: tuple[str, ...]) -> inspect.Signature:
    """Of a function with the command's options as keywords."""
    kinds = inspect.Parameter
    parameters = [kinds(name, kinds.POSITIONAL_OR_KEYWORD) for name in positional]
    named = sorted((option for option in table(command) if not option["hidden"]), key=lambda o: not o["required"])
    for option in named:
        keyword = keyword_of(command, option)
        if keyword not in positional:
            default = kinds.empty if option["required"] else default_of(option)
            parameters.append(kinds(keyword, kinds.KEYWORD_ONLY, default=default, annotation=type_of(option)))
    return inspect.Signature(parameters)


def documentation(command: str, skip: tuple[str, ...] = ()) -> str:
    """One line an option: keyword, type, default, what it is."""
    lines = []
    for option in table(command):
        keyword = keyword_of(command, option)
        if option["hidden"] or keyword in skip:
            continue
        default = "required" if option["required"] else f"default {default_of(option)!r}"
        lines.append(f"    {keyword} ({type_of(option)}, {default}): {option['help']}.")
    return "\n".join(lines)
