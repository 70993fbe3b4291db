"""Writes docs/python_reference.md, the reference of the Python package, from its docstrings and the program's option tables.

    python3 python/make_reference.py build/release/python/colmatch docs/python_reference.md

Takes the built package, and needs neither numpy nor torch. tests/python/reference_test.py compares the page with what this
writes.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import re
import sys
import textwrap
from pathlib import Path

WIDTH = 110
HEADER = """# Reference of the Python package

Made by `python/make_reference.py` from the docstrings and the option tables; [python.md](python.md) is the
guide. Keywords are shown with their types and defaults; `None`: the program decides, or the weights.
"""
# Title, and module with the names that are described (none: all public ones, and what the module says of itself).
SECTIONS = (
    ("Images and pairs", "frontend", ("FeatureExtractor", "FeatureMatcher")),
    ("What they give", "features", ("Features", "Matches")),
    ("Errors", "errors", ("Error", "UsageError", "InputError", "EnvironmentError", "WeightsError")),
    ("Commands in this process", "_running", ("run_command", "Summary")),
    ("HDF5: `colmatch.hdf5`", "hdf5", ()),
    ("Networks: `colmatch.torch`", "torch/__init__", ()),
    ("", "torch/superpoint", ("SuperPoint",)),
    ("", "torch/superglue", ("SuperGlue", "log_sinkhorn", "matches_from_log_assignment", "normalize_keypoints")),
    ("", "torch/modules", ("WeightsModule",)),
    ("hloc: `colmatch.adapters.hloc`", "adapters/hloc", ()),
    ("deep-image-matching: `colmatch.adapters.deep_image_matching`", "adapters/deep_image_matching", ()),
    ("glue-factory: `colmatch.adapters.gluefactory`", "adapters/gluefactory", ()),
)


def escaped(text: str) -> str:
    """Markdown's signs outside of code mean themselves."""
    parts = re.split(r"(`[^`]*`)", text)
    return "".join(part if part.startswith("`") else re.sub(r"([*<])", r"\\\1", part) for part in parts)


def wrapped(text: str, indent: str = "") -> str:
    return textwrap.fill(escaped(text), WIDTH, initial_indent=indent, subsequent_indent=" " * len(indent),
                         break_long_words=False, break_on_hyphens=False)


def prose(docstring: str | None) -> str:
    """A docstring's paragraphs, those that are indented as code."""
    paragraphs = re.split(r"\n\s*\n", inspect.cleandoc(docstring or ""))
    return "\n\n".join(p if p.startswith("    ") else wrapped(" ".join(p.split())) for p in paragraphs if p.strip())


def code(text: str) -> str:
    return f"```python\n{text}\n```"


def call(name: str, arguments: list[str], returns: str = "") -> str:
    """A signature on one line, or with a line for each argument."""
    result = f" -> {returns}" if returns else ""
    line = f"{name}({', '.join(arguments)}){result}"
    return line if len(line) <= WIDTH else "\n".join([f"{name}(", *(f"    {a}," for a in arguments), f"){result}"])


def unquoted(annotation: str) -> str:
    return re.sub(r"'([^']*)'", r"\1", annotation)


def arguments_of(function: ast.FunctionDef) -> list[str]:
    """As written, without self."""
    a = function.args
    positional = [*a.posonlyargs, *a.args]
    defaults = [None] * (len(positional) - len(a.defaults)) + list(a.defaults)
    texts = []

    def add(argument, default, prefix=""):
        text = prefix + argument.arg + (f": {unquoted(ast.unparse(argument.annotation))}" if argument.annotation else "")
        sign = " = " if argument.annotation else "="
        texts.append(text + (sign + ast.unparse(default) if default is not None else ""))

    for argument, default in zip(positional, defaults):
        if argument.arg not in ("self", "cls"):
            add(argument, default)
    if a.vararg:
        add(a.vararg, None, "*")
    for argument, default in zip(a.kwonlyargs, a.kw_defaults):
        add(argument, default)
    if a.kwarg:
        texts.append(f"**{a.kwarg.arg}")
    return texts


def function_text(function: ast.FunctionDef, level: int, owner: str = "") -> list[str]:
    decorators = {ast.unparse(d) for d in function.decorator_list}
    returns = unquoted(ast.unparse(function.returns)) if function.returns else ""
    returns = "" if returns == "None" else returns
    name = f"{owner}.{function.name}" if owner else function.name
    shown = f"{name}: {returns}" if "property" in decorators else call(name, arguments_of(function), returns)
    return [f"{'#' * level} `{name}`", code(shown), prose(ast.get_docstring(function))]


def fields_of(cls: ast.ClassDef) -> list[str]:
    """Annotated attributes, with the text that stands below them."""
    lines = []
    for node, following in zip(cls.body, [*cls.body[1:], None]):
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            is_text = isinstance(following, ast.Expr) and isinstance(following.value, ast.Constant)
            text = f": {following.value.value}" if is_text else ""
            lines.append(wrapped(f"`{node.target.id}`{' '.join(text.split(chr(10)))}", "- "))
    return ["\n".join(lines)] if lines else []


def class_text(cls: ast.ClassDef, options) -> list[str]:
    texts = [f"### `{cls.name}`"]
    init = next((f for f in cls.body if isinstance(f, ast.FunctionDef) and f.name == "__init__"), None)
    if init is not None:
        texts.append(code(call(cls.name, arguments_of(init))))
    elif cls.bases:
        texts.append(wrapped("A subclass of " + ", ".join(f"`{ast.unparse(base)}`" for base in cls.bases) + "."))
    texts += [prose(ast.get_docstring(cls)), *fields_of(cls)]
    if cls.name in ("FeatureExtractor", "FeatureMatcher"):
        texts += ["Options:", option_list(cls.name, options, options_of(cls.name, options, ("weights",)))]
    for function in cls.body:
        if isinstance(function, ast.FunctionDef) and function.name[0] != "_":
            texts += function_text(function, 4, cls.name)
    return texts


def module_texts(path: Path, names, options) -> list[str]:
    module = ast.parse(path.read_text())
    texts = [] if names else [prose(ast.get_docstring(module))]
    described = {node.name: node for node in module.body if isinstance(node, (ast.FunctionDef, ast.ClassDef))}
    for name in names or [name for name in described if name[0] != "_"]:
        node = described[name]
        owner = "" if names else path.stem  # of a whole module
        texts += class_text(node, options) if isinstance(node, ast.ClassDef) else function_text(node, 3, owner)
    return texts


def options_of(command: str, options, positional) -> dict[str, dict]:
    """Keyword to option."""
    found = {options.keyword_of(command, o): o for o in options.table(command) if not o["hidden"]}
    return {keyword: option for keyword, option in found.items() if keyword not in positional}


def option_list(command: str, options, chosen: dict[str, dict]) -> str:
    lines = []
    for keyword, option in chosen.items():
        default = "required" if option["required"] else repr(options.default_of(option))
        lines.append(wrapped(f"`{keyword}` ({options.type_of(option)}, {default}): {option['help']}.", "- "))
    return "\n".join(lines)


def pipeline_texts(pipelines, options) -> list[str]:
    """The functions; what all matchers have in common stands once."""
    tables = {name: options_of(command, options, positional) for name, command, positional, _ in pipelines.COMMANDS}
    matchers = [name for name in tables if name.startswith("match_")]
    common = {keyword: option for keyword, option in tables[matchers[0]].items()
              if all(tables[name].get(keyword) == option for name in matchers)}
    texts = ["## Pipelines", prose(pipelines.__doc__)]
    for name, command, positional, _ in pipelines.COMMANDS:
        head, _, _ = getattr(pipelines, name).__doc__.partition("Options:")
        texts += [f"### `{name}`", code(call(name, [*positional, "*", "progress=None", "**options"], "Summary")), prose(head)]
        shared = [keyword for keyword in common if tables[name].get(keyword) == common[keyword]]
        has_all = len(shared) == len(common)
        own = {k: o for k, o in tables[name].items() if not (has_all and k in common)}
        intro = "Options: [those of all matchers](#options-of-all-matchers)" if has_all else "Options:"
        texts.append(intro + (", and:" if has_all and own else "." if has_all else ""))
        texts += [option_list(command, options, own)] if own else []
    first = pipelines.COMMANDS[[entry[0] for entry in pipelines.COMMANDS].index(matchers[0])][1]
    return [*texts, "### Options of all matchers", option_list(first, options, common)]


def reference(package: Path) -> str:
    """The page of a built package. The extension by itself is loaded: whether this process could compute with it does not matter here."""
    sys.path.insert(0, str(package.parent))
    importlib.import_module("colmatch._loading")._native = importlib.import_module("colmatch._native")
    options, pipelines = (importlib.import_module(f"colmatch.{name}") for name in ("_options", "pipelines"))
    sources = Path(__file__).resolve().parent / "colmatch"
    texts = []
    for title, module, names in SECTIONS:
        texts += [f"## {title}"] if title else []
        texts += module_texts(sources / f"{module}.py", names, options)
        if module == "_running":
            texts += pipeline_texts(pipelines, options)
    return HEADER + "\n" + "\n\n".join(text for text in texts if text) + "\n"


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: python make_reference.py PACKAGE OUTPUT")
    Path(sys.argv[2]).write_text(reference(Path(sys.argv[1]).absolute()))
