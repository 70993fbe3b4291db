"""Answers like COLMAP's program `colmap`, as far as mappers go, by the Python package pycolmap.

mapper_program.cc runs it with `python3 -c`: SCRIPT help; SCRIPT mapper|hierarchical_mapper|global_mapper
--database_path D --image_path P --output_path O [--Mapper.NAME VALUE ...]. Exit status: 0, 1 without a model or for bad
options, 3 without pycolmap.
"""
import sys


def fail(message, status=1):
    print("error: " + message, file=sys.stderr)
    sys.exit(status)


try:
    import pycolmap
except ImportError as error:
    fail("pycolmap: %s" % error, 3)

# Of the command: pycolmap's function and the class of its options.
MAPPERS = {
    "mapper": ("incremental_mapping", "IncrementalPipelineOptions"),
    "hierarchical_mapper": ("hierarchical_mapping", "HierarchicalPipelineOptions"),
    "global_mapper": ("global_mapping", "GlobalPipelineOptions"),
}


def commands():
    return [name for name, needed in MAPPERS.items() if all(hasattr(pycolmap, item) for item in needed)]


def parse(value, text, option):
    """The text as the type that the option has."""
    try:
        if isinstance(value, bool):
            return {"0": False, "false": False, "1": True, "true": True}[text.lower()]
        if isinstance(value, (int, float, str)):
            return type(value)(text)
    except (KeyError, ValueError):
        fail("%s: expected a value of type %s, found %s" % (option, type(value).__name__, text))
    fail("%s: pycolmap has it, but not as a number or text" % option)


def owner_of(options, name):
    """The options that hold the name, which COLMAP's program joins under --Mapper, and its name there."""
    parts = [options] + [getattr(options, part) for part in ("incremental_options",) if hasattr(options, part)]
    for part in parts:
        places = [(part, name), (getattr(part, "mapper", None), name)]
        if name.startswith("tri_"):
            places.append((getattr(part, "triangulation", None), name[4:]))
        for owner, own_name in places:
            if owner is not None and hasattr(owner, own_name):
                return owner, own_name
    return None, name


def run(command, arguments):
    function, options_class = MAPPERS[command]
    options = getattr(pycolmap, options_class)()
    paths = {}
    if len(arguments) % 2:
        fail("%s: %s has no value" % (command, arguments[-1]))
    for option, text in zip(arguments[::2], arguments[1::2]):
        name = option.lstrip("-")
        if name in ("database_path", "image_path", "output_path"):
            paths[name] = text
            continue
        owner, own_name = owner_of(options, name.split(".", 1)[-1])
        if owner is None:
            fail("%s: pycolmap %s has no such option of its %s" % (option, pycolmap.__version__, command))
        setattr(owner, own_name, parse(getattr(owner, own_name), text, option))
    models = getattr(pycolmap, function)(paths["database_path"], paths["image_path"], paths["output_path"], options)
    sys.exit(0 if models else 1)


def main(arguments):
    if not arguments or arguments[0] not in commands():
        print("COLMAP %s -- Structure-from-Motion\n(pycolmap of %s)\n\nAvailable commands:" %
              (pycolmap.__version__, sys.executable))
        for command in sorted(commands()):
            print("  " + command)
        return
    run(arguments[0], arguments[1:])


main(sys.argv[1:])
