#!/usr/bin/env python3
"""Checks that no folder includes what it does not link, and Markdown pages: links lead to files, and the columns of
a table have different headings.

usage: check_includes.py [ROOT]

A folder is a CMake target (`plugin/pairs` is plugin_pairs). An #include "FOLDER/FILE" is right if the target of FOLDER
is among what the including folder's CMakeLists.txt links, itself or through others. Prints each fault; exit status 1
if there is one.
"""

import re
import sys
from pathlib import Path

TOP = ("util", "geometry", "network", "matcher", "training", "evaluation", "database_io", "plugin", "python")


def folders(root):
    """Folder -> what its CMakeLists.txt names, of all folders with a target."""
    found = {}
    for top in TOP:
        for path in sorted((root / top).rglob("CMakeLists.txt")):
            text = "\n".join(line.split("#")[0] for line in path.read_text().splitlines())
            if re.search(r"colmatch_module\(|add_library\(", text):
                found[str(path.parent.relative_to(root))] = set(re.findall(r"[A-Za-z_]\w*", text))
    return found


def links(root):
    """Folder -> all folders that it links, through others too."""
    named = folders(root)
    target = {folder.replace("/", "_"): folder for folder in named}
    direct = {f: {target[t] for t in words if t in target and target[t] != f} for f, words in named.items()}
    direct = {("python" if f == "python" else f): v for f, v in direct.items()}
    reached = {}
    for folder in direct:
        seen, todo = set(), [folder]
        while todo:
            for other in direct[todo.pop()] - seen:
                seen.add(other)
                todo.append(other)
        reached[folder] = seen
    return reached


def include_faults(root):
    reached = links(root)
    for top in TOP:
        for path in sorted((root / top).rglob("*")):
            if path.suffix not in (".h", ".cc", ".cu", ".cuh"):
                continue
            folder = str(path.parent.relative_to(root))
            own = folder if folder in reached else top
            for name in re.findall(r'#include "([^"]+)/[^"/]+"', path.read_text()):
                if name in reached and name != own and name not in reached.get(own, set()):
                    yield f"{path.relative_to(root)}: includes {name}/, which {own} does not link"


def markdown_faults(root):
    pages = [*root.glob("*.md"), *(root / "docs").rglob("*.md"), *(root / "weights").rglob("*.md")]
    for page in sorted(pages):
        text = re.sub(r"```.*?```", "", page.read_text(), flags=re.S)
        for link in re.findall(r"\]\(([^)\s]+)\)", text):
            if re.match(r"[a-z]+:", link) or link.startswith("#"):
                continue
            if not (page.parent / link.split("#")[0]).exists():
                yield f"{page.relative_to(root)}: link to {link}, which does not exist"
        for heading in repeated_headings(text.split("\n")):
            yield f"{page.relative_to(root)}: two columns of a table are both headed {heading}"


def repeated_headings(lines):
    for line, below in zip(lines, lines[1:]):
        if line.startswith("|") and re.fullmatch(r"[|\-: ]+", below):
            headings = [cell.strip() for cell in line.strip().strip("|").split("|")]
            yield from sorted({h for h in headings if h and headings.count(h) > 1})


def main():
    root = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent.parent).resolve()
    faults = [*include_faults(root), *markdown_faults(root)]
    for fault in faults:
        print(fault)
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
