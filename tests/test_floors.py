"""The floors of the helper (CONTRIBUTING.md): what a module may import, wherever in it the import stands."""

import ast
import re
from pathlib import Path

import pytest
from helpers import ROOT

PACKAGES = ("pixels", "readers", "scale", "benchmark", "commands")
FILES = sorted((ROOT / "dhl_helpers").rglob("*.py"))
OURS = ("dhl_helpers", "tools", "data_samples")
BASEMENT = {"errors", "progress", "files", "arrays"}  # what every floor may use
MOST_LINES = 200


def imports(path):
    """The modules of the repository that a file imports, and the names that it takes from each: {(module, name)}."""
    found = set()
    package = path.relative_to(ROOT).with_suffix("").parts[:-1]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join([*above, *filter(None, [node.module])])
            found |= {(module, alias.name) for alias in node.names}
        elif isinstance(node, ast.Import):
            found |= {(alias.name, "") for alias in node.names}
    return {(module, name) for module, name in found if module.split(".")[0] in OURS}


def floor(module, name=""):
    """The package of `dhl_helpers` that a module belongs to; for a module of the top shelf, its own name."""
    parts = [*module.split("."), *filter(None, [name])]
    if parts[0] != "dhl_helpers":
        return parts[0]
    return parts[1] if len(parts) > 1 else "dhl_helpers"


def rooms(path):
    return {floor(module, name) for module, name in imports(path)}


def floors():
    """The floor of each module or package, as CONTRIBUTING.md has it."""
    page = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d) \| ([^|]+) \|", page, re.MULTILINE)
    return {name: int(number) for number, names in rows for name in re.findall(r"`(\w+)/?`", names)}


@pytest.mark.parametrize("path", [*FILES, *sorted((ROOT / "tools").glob("*.py"))],
                         ids=lambda path: path.relative_to(ROOT).as_posix())  # fmt: skip
def test_no_module_imports_from_a_floor_above(path):
    home = floor(".".join(path.relative_to(ROOT).with_suffix("").parts))
    if home != "__init__":  # it names what every floor has to offer
        known = floors()
        assert {room for room in rooms(path) if known.get(room, 0) > known[home]} == set()


def test_every_module_is_on_the_map():
    there = {floor(".".join(path.relative_to(ROOT).with_suffix("").parts)) for path in FILES} | {"tools"}
    assert set(floors()) == there - {"__init__"}


def modules(room):
    return [path for path in FILES if path.parent.name == room]


@pytest.mark.parametrize("path", modules("pixels"), ids=lambda path: path.stem)
def test_pixels_know_nothing_above_them(path):
    assert rooms(path) <= {"pixels", *BASEMENT}


@pytest.mark.parametrize("path", modules("readers"), ids=lambda path: path.stem)
def test_readers_know_pixels_and_nothing_above_them(path):
    assert rooms(path) <= {"readers", "pixels", *BASEMENT}


@pytest.mark.parametrize("path", modules("dhl_helpers"), ids=lambda path: path.stem)
def test_the_top_shelf_knows_nothing_of_what_stands_on_it(path):
    on_top = {"commands"} if path.stem == "__main__" else set()  # the command line is the roof
    if path.stem != "__init__":
        assert rooms(path).isdisjoint({"scale", "benchmark", "commands", "tools", "data_samples"} - on_top)


@pytest.mark.parametrize("path", modules("scale") + modules("benchmark"), ids=lambda path: "-".join(path.parts[-2:]))
def test_scale_and_benchmark_know_no_commands_and_not_each_other(path):
    other = {"scale", "benchmark"} - {path.parent.name}
    assert rooms(path).isdisjoint({"commands", "tools", "data_samples"} | other)


@pytest.mark.parametrize("path", modules("commands"), ids=lambda path: path.stem)
def test_commands_know_nothing_of_tools(path):
    assert rooms(path).isdisjoint({"tools", "data_samples"})


def test_private_names_stay_in_their_module():
    """Keras is imported in one place, and the pieces that commands share begin with an underscore by agreement."""
    files = [*FILES, *(ROOT / "tools").rglob("*.py"), *(ROOT / "benchmarks").rglob("*.py")]
    private = {(path.relative_to(ROOT).as_posix(), module, name) for path in files for module, name in imports(path)
               if name.startswith("_") and module not in ("dhl_helpers.commands",)}  # fmt: skip
    assert not private


def test_dicom_is_known_to_pixels_only():
    assert {path.parent.name for path in FILES if re.search("(import|from) pydicom", path.read_text())} == {"pixels"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(ROOT / "dhl_helpers").as_posix())
def test_a_module_can_be_read_in_one_sitting(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MOST_LINES


def test_every_package_is_installed():
    import tomllib

    packages = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]["packages"]
    there = {".".join(path.parent.relative_to(ROOT).parts) for path in FILES if path.name == "__init__.py"}
    assert there <= set(packages) and {Path(ROOT, *name.split(".")).is_dir() for name in packages} == {True}
