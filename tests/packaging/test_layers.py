"""Imports among the modules of a package: no circles, and in or1-trainer only towards lower layers."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

LAYERS = (
    {"errors"},
    {"cache", "config", "gpus"},
    {"algorithm", "dtypes", "launch", "live", "metrics"},
    {"policy", "report"},
    {"model_path", "watch"},
    {"plan", "rewards"},
    {"toy"},
    {"train"},
    {"rehearse"},
    {"doctor", "study"},
    {"commands"},
    {"cli"},
    {"entry"},
)
"""Folders and single modules of or1-trainer, lowest layer first."""


def modules(source: Path) -> dict[str, Path]:
    """Dotted name -> file of every module below a `src` folder; a package goes by its own name."""
    names = {file: ".".join(file.relative_to(source).with_suffix("").parts) for file in source.rglob("*.py")}
    return {name.removesuffix(".__init__"): file for file, name in names.items()}


def imports(text: str, known: set[str]) -> Iterator[str]:
    """The known modules that a source text imports, at the top or inside of functions."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in known)
        elif isinstance(node, ast.ImportFrom) and node.module in known and not node.level:
            inner = (f"{node.module}.{alias.name}" for alias in node.names)
            yield from (name if name in known else node.module for name in inner)


def graph(files: Mapping[str, str]) -> dict[str, set[str]]:
    """Module -> modules it imports; a name imported from its own package is no import of itself."""
    return {name: set(imports(text, set(files))) - {name} for name, text in files.items()}


def circle(files: Mapping[str, str]) -> list[str]:
    """Modules that import each other in a circle, the first one repeated at the end; empty where there is none."""
    try:
        TopologicalSorter(graph(files)).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def layer_of(module: str) -> tuple[str, int]:
    """Folder of a module of or1-trainer, and the number of its layer."""
    folder = module.split(".")[1]
    return folder, next(number for number, layer in enumerate(LAYERS) if folder in layer)


def upward(files: Mapping[str, str]) -> list[str]:
    """Imports of or1-trainer that go to a higher layer or to another folder of the same one."""
    wrong = []
    root = {"or1_trainer"}  # its `__init__`
    for module, targets in graph(files).items():
        for target in targets - root if module not in root else ():
            (folder, layer), (other, lower) = layer_of(module), layer_of(target)
            if folder != other and lower >= layer:
                wrong.append(f"{module} imports {target}")
    return sorted(wrong)


def texts(repo_root: Path, package: str) -> dict[str, str]:
    return {name: file.read_text() for name, file in modules(repo_root / "packages" / package / "src").items()}


def test_no_modules_import_each_other_in_a_circle(package: str, repo_root: Path) -> None:
    assert circle(texts(repo_root, package)) == []


def test_the_folders_of_the_trainer_import_lower_layers_only(repo_root: Path) -> None:
    assert upward(texts(repo_root, "or1-trainer")) == []


def test_the_checks_see_a_circle_and_an_upward_import_wherever_they_hide() -> None:
    files = {"a": "from b import x", "b": "def f():\n    import c", "c": "import a"}
    assert set(circle(files)) == {"a", "b", "c"}
    assert circle({"a": "import b", "b": "import c", "c": ""}) == []
    study = {
        "or1_trainer": "",
        "or1_trainer.cli": "",
        "or1_trainer.study.run": "def f():\n    from or1_trainer import cli",
    }
    assert upward(study) == ["or1_trainer.study.run imports or1_trainer.cli"]
    assert upward({"or1_trainer.policy": "import or1_trainer.report", "or1_trainer.report": ""})
    assert not upward({"or1_trainer.cli": "import or1_trainer.study", "or1_trainer.study": ""})
