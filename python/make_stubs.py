"""Writes the type stubs of what takes the program's options as keywords: colmatch/pipelines.pyi and colmatch/frontend.pyi.

    python make_stubs.py PACKAGE

Run by CMake (python/CMakeLists.txt) on the package of the build folder once its extension is linked: names, types,
defaults and help are those that C++ declares. Needs neither numpy nor torch.
"""

from __future__ import annotations

import ast
import importlib
import sys
from pathlib import Path

HEADER = "# Made by python/make_stubs.py from the program's option tables.\n"


def keywords_of(parameters) -> str:
    """The keyword-only ones of a signature, as source: `a: int = 1, b: str`."""
    texts = []
    for p in parameters:
        if p.kind is p.KEYWORD_ONLY:
            default = "" if p.default is p.empty else f" = {p.default!r}"
            or_none = " | None" if p.default is None else ""
            texts.append(f"{p.name}: {p.annotation}{or_none}{default}")
    return ", ".join(texts)


def quoted(text: str, indent: str) -> str:
    return f'{indent}r"""{text}"""\n'


def pipelines_stub(pipelines, options) -> str:
    """Functions that are made at run time are invisible to type checkers: here they are written out."""
    text = HEADER + ("import os\nfrom typing import Sequence\n\nfrom ._observer import Progress\n"
                     "from ._running import Summary as Summary, run_command as run_command\n")
    for name, command, positional, _ in pipelines.COMMANDS:
        parameters = options.signature(command, positional).parameters.values()
        paths = "".join(f"{p}: str | os.PathLike[str], " for p in positional)
        text += f"\ndef {name}({paths}*, progress: Progress = None, {keywords_of(parameters)}) -> Summary:\n"
        text += quoted(getattr(pipelines, name).__doc__, "    ") + "    ...\n"
    return text


def without_body(function: ast.FunctionDef) -> ast.FunctionDef:
    docstring = function.body[:1] if ast.get_docstring(function) else []
    function.body = [*docstring, ast.Expr(ast.Constant(...))]
    return function


def frontend_stub(source: str, options) -> str:
    """frontend.py without bodies, its `**options` written out."""
    module = ast.parse(source)
    module.body = [node for node in module.body
                   if isinstance(node, (ast.Import, ast.ImportFrom, ast.Assign, ast.ClassDef))]
    for cls in (node for node in module.body if isinstance(node, ast.ClassDef)):
        cls.body = [without_body(node) if isinstance(node, ast.FunctionDef) else node for node in cls.body
                    if not isinstance(node, ast.FunctionDef) or node.name == "__init__" or node.name[0] != "_"]
        init = next(node for node in cls.body if getattr(node, "name", "") == "__init__")
        parameters = options.signature(cls.name, ("weights",)).parameters.values()
        written_out = ast.parse(f"def f(*, {keywords_of(parameters)}): ...").body[0].args
        init.args.kwonlyargs, init.args.kw_defaults = written_out.kwonlyargs, written_out.kw_defaults
        init.args.kwarg = None
    return HEADER + ast.unparse(ast.fix_missing_locations(module)) + "\n"


def main() -> None:
    package = Path(sys.argv[1])
    sys.path.insert(0, str(package.parent))
    # The extension by itself: whether this process could compute with it (colmatch/_loading.py) does not matter here.
    importlib.import_module("colmatch._loading")._native = importlib.import_module("colmatch._native")
    options, pipelines = (importlib.import_module(f"colmatch.{name}") for name in ("_options", "pipelines"))
    (package / "pipelines.pyi").write_text(pipelines_stub(pipelines, options))
    (package / "frontend.pyi").write_text(frontend_stub((package / "frontend.py").read_text(), options))


if __name__ == "__main__":
    main()
