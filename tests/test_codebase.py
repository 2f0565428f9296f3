"""The code base itself: names, stubs, documentation, versions, what an import loads, examples that run."""

from __future__ import annotations

import ast
import doctest
import importlib
import inspect
import pkgutil
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from types import ModuleType

import harsanyi as hs
import pytest
from harsanyi import _core

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "python" / "harsanyi"
README = (ROOT / "README.md").read_text()


def modules() -> Iterator[str]:
    yield "harsanyi"
    for found in pkgutil.walk_packages(hs.__path__, "harsanyi."):
        if found.name != "harsanyi._core":  # compiled; its stub is compared below
            yield found.name


MODULES = sorted(modules())


@pytest.mark.parametrize("name", hs.__all__)
def test_public_name_resolves_and_is_documented(name: str) -> None:
    value = getattr(hs, name)
    assert name in dir(hs)
    if callable(value) or isinstance(value, ModuleType):
        assert (inspect.getdoc(value) or "").strip()


def test_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = hs.no_such_name


def test_stub_of_the_package_names_what_it_resolves() -> None:
    tree = ast.parse((PACKAGE / "__init__.pyi").read_text())
    imported = {
        alias.asname: f"{node.module}.{alias.name}"
        for node in tree.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    declared = {
        node.target.id
        for node in tree.body
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
    }
    assert set(imported) | declared == {*hs.__all__, "__all__"}
    for name, path in imported.items():
        module, _, attribute = path.rpartition(".")
        home = importlib.import_module(module)
        target = getattr(home, attribute) if hasattr(home, attribute) else importlib.import_module(path)
        assert getattr(hs, name) is target, name


@pytest.mark.parametrize("name", MODULES)
def test_module_and_its_public_names_are_documented(name: str) -> None:
    module = importlib.import_module(name)
    assert (module.__doc__ or "").strip()
    for public in getattr(module, "__all__", ()):
        value = getattr(module, public)  # everything listed exists
        if inspect.isclass(value) or inspect.isroutine(value):
            assert (inspect.getdoc(value) or "").strip(), public


@pytest.mark.parametrize("name", MODULES)
def test_doctests(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kernel_settings: None) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HARSANYI_CACHE_DIR", str(tmp_path / "cache"))
    failed, _ = doctest.testmod(importlib.import_module(name))
    assert failed == 0


def test_public_functions_have_an_example() -> None:
    finder = doctest.DocTestFinder(recurse=False)
    functions = [name for name in hs.__all__ if inspect.isfunction(getattr(hs, name))]
    assert len(functions) > 30
    without = [
        name for name in functions if not any(test.examples for test in finder.find(getattr(hs, name)))
    ]
    assert without == []


def test_stub_of_the_compiled_module_matches_it() -> None:
    tree = ast.parse((PACKAGE / "_core.pyi").read_text())
    stub = {node.name: len(node.args.args) for node in tree.body if isinstance(node, ast.FunctionDef)}
    compiled = {
        name: len(re.findall(r"\barg\d+:", value.__doc__.split("->")[0]))
        for name, value in vars(_core).items()
        if callable(value)
    }
    assert stub == compiled


@pytest.mark.parametrize(
    "program",
    [
        "import harsanyi",
        "import harsanyi; harsanyi.get_cmake_dir(), harsanyi.get_include(), harsanyi.__version__",
        "import harsanyi as hs; hs.shapley_values(hs.mobius([0.0, 1.0, 2.0, 4.0]))",
    ],
)
def test_import_stays_light(program: str) -> None:
    heavy = {"torch", "matplotlib", "scipy", "sklearn", "rich", "tqdm"}
    check = f"{program}; import sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert heavy & set(done.stdout.split()) == set()


def test_one_version_everywhere() -> None:
    with (ROOT / "pyproject.toml").open("rb") as file:
        stated = tomllib.load(file)["project"]["version"]
    header = (Path(hs.get_include()) / "harsanyi" / "version.h").read_text()
    assert f'#define HARSANYI_VERSION "{stated}"' in header
    assert hs.__version__ == stated
    assert version("harsanyi") == stated
    newest = re.search(r"^## \[([^\]]+)\]", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert newest is not None
    assert newest[1] in ("Unreleased", stated)


def test_sources_stay_readable() -> None:
    sources = [path for folder in ("python", "csrc") for path in (ROOT / folder).rglob("*") if path.is_file()]
    sources = [
        path
        for path in sources
        if path.suffix in {".py", ".pyi", ".h", ".hpp", ".cpp", ".cu", ".cuh", ".txt", ".cmake"}
    ]
    assert len(sources) > 40
    for path in sources:
        lines = path.read_text().splitlines()
        assert len(lines) <= 450, f"{path} has {len(lines)} lines: split it"
        assert max(map(len, lines), default=0) <= 120, path


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def test_readme_python_examples_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A line that ends with `# -> value` must have that value."""
    monkeypatch.chdir(tmp_path)
    examples = blocks("python")
    assert examples
    checked = 0
    for example in examples:
        scope: dict[str, object] = {}
        exec(compile(example, "README.md", "exec"), scope)
        for line in example.splitlines():
            code, mark, comment = line.partition("  # -> ")
            if mark:
                assert repr(eval(code, scope)) == comment, line
                checked += 1
    assert checked > 0


def test_readme_cpp_example_runs(tmp_path: Path) -> None:
    """What it prints is what its first comment says."""
    (source,) = blocks("cpp")
    (tmp_path / "example.cpp").write_text(source)
    library = Path(hs.get_cmake_dir()).parents[1]
    link = [f"-I{hs.get_include()}", f"-L{library}", "-lharsanyi", f"-Wl,-rpath,{library}"]
    command = ["c++", "-std=c++17", "-Wall", "-Wextra", "-Werror", "example.cpp", *link, "-o", "example"]
    subprocess.run(command, cwd=tmp_path, check=True)
    done = subprocess.run([tmp_path / "example"], capture_output=True, text=True, check=True)
    (expected,) = re.findall(r"^// prints: (.*)$", source, re.MULTILINE)
    assert done.stdout.strip() == expected


@pytest.mark.parametrize("command", re.findall(r"^\$ harsanyi (.*)$", README, re.MULTILINE))
def test_readme_commands_are_ones_the_parser_knows(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    from harsanyi.cli import main

    words = command.split("#")[0].split()
    with pytest.raises(SystemExit) as stopped:
        main([*words, "--help"])
    assert stopped.value.code == 0
    text = capsys.readouterr().out
    for option in (word for word in words if word.startswith("--")):
        assert option in text
