"""The installed package as a C and C++ library: headers, CMake package, exported symbols, dependencies."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import harsanyi as hs
import pytest
from harsanyi import _core

CONSUMER = Path(__file__).parent / "consume"
LIBRARY = Path(hs.get_cmake_dir()).parents[1] / "libharsanyi.so"
MODULE = Path(_core.__file__)
# What a manylinux wheel may expect of a system.
SYSTEM_LIBRARIES = re.compile(r"lib(c|m|pthread|gcc_s|stdc\+\+)\.so\.\d+|ld-linux.*")


def run(*command: object, **options: object) -> str:
    """Standard output of a command; a failure shows everything that it printed."""
    # Tools of the environment that the tests run in (cmake, ninja) come before the system's.
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    words = [str(word) for word in command]
    program = shutil.which(words[0], path=path)
    assert program is not None, f"{words[0]} is not installed"
    result = subprocess.run(  # type: ignore[call-overload]
        [program, *words[1:]], capture_output=True, text=True, env={**os.environ, "PATH": path}, **options
    )
    assert result.returncode == 0, f"{' '.join(words)}\n{result.stdout}\n{result.stderr}"
    return str(result.stdout)


def test_cmake_project_finds_and_uses_the_package(tmp_path):
    run("cmake", "-S", CONSUMER, "-B", tmp_path, "-G", "Ninja", f"-Dharsanyi_DIR={hs.get_cmake_dir()}")
    run("cmake", "--build", tmp_path)
    assert run(tmp_path / "consume_c") == f"{hs.__version__}: 1 2 4 -8\n"
    assert run(tmp_path / "consume_cpp") == f"{hs.__version__}: 1 2 4 -8, Shapley -2 0\n"


@pytest.mark.parametrize("version", ["0.0.1", "0.2", "1.0"])
def test_cmake_package_refuses_another_version(tmp_path, version):
    source = (CONSUMER / "CMakeLists.txt").read_text()
    assert "find_package(harsanyi 0.1 " in source
    for name in ("consume.c", "consume.cpp"):
        shutil.copy(CONSUMER / name, tmp_path)
    (tmp_path / "CMakeLists.txt").write_text(source.replace("harsanyi 0.1 ", f"harsanyi {version} "))
    with pytest.raises(AssertionError, match="compatible with requested version"):
        run(
            "cmake",
            "-S",
            tmp_path,
            "-B",
            tmp_path / "build",
            "-G",
            "Ninja",
            f"-Dharsanyi_DIR={hs.get_cmake_dir()}",
        )


@pytest.mark.parametrize(
    ("compiler", "standard", "source"), [("cc", "c99", "consume.c"), ("c++", "c++17", "consume.cpp")]
)
def test_plain_compiler_call(tmp_path, compiler, standard, source):
    flags = ["-Wall", "-Wextra", "-Werror", "-pedantic", f"-std={standard}", f"-I{hs.get_include()}"]
    link = [f"-L{LIBRARY.parent}", "-lharsanyi", f"-Wl,-rpath,{LIBRARY.parent}"]
    run(compiler, *flags, CONSUMER / source, *link, "-o", tmp_path / "program")
    assert run(tmp_path / "program").startswith(f"{hs.__version__}: 1 2 4 -8")


def test_header_is_readable_by_older_cpp(tmp_path):
    """harsanyi.h serves C++11 too; harsanyi.hpp says what it needs."""
    (tmp_path / "c.cpp").write_text(
        '#include "harsanyi/harsanyi.h"\nint main() { return harsanyi_binomial(2, 1) != 2; }\n'
    )
    run(
        "c++",
        "-std=c++11",
        "-Werror",
        "-Wall",
        f"-I{hs.get_include()}",
        "-c",
        tmp_path / "c.cpp",
        "-o",
        tmp_path / "c.o",
    )
    (tmp_path / "cpp.cpp").write_text('#include "harsanyi/harsanyi.hpp"\n')
    with pytest.raises(AssertionError, match=r"needs C\+\+17"):
        run(
            "c++", "-std=c++14", f"-I{hs.get_include()}", "-c", tmp_path / "cpp.cpp", "-o", tmp_path / "cpp.o"
        )


def test_library_exports_the_headers_and_nothing_else():
    headers = [(Path(hs.get_include()) / "harsanyi" / name).read_text() for name in ("harsanyi.h", "cuda.h")]
    declared = set(re.findall(r"^HARSANYI_API [^;(]*?\b(harsanyi_\w+)\(", "".join(headers), re.MULTILINE))
    exported = {line.split()[-1] for line in run("nm", "-D", "--defined-only", LIBRARY).splitlines()}
    assert exported == declared


@pytest.mark.parametrize("file", [LIBRARY, MODULE], ids=["library", "module"])
def test_depends_on_system_libraries_only(file):
    dynamic = run("readelf", "-d", file)
    needed = set(re.findall(r"\(NEEDED\).*\[(.+)\]", dynamic))
    assert {name for name in needed if not SYSTEM_LIBRARIES.fullmatch(name)} == (
        {"libharsanyi.so"} if file == MODULE else set()
    )
    runpath = re.findall(r"\((?:RUNPATH|RPATH)\).*\[(.+)\]", dynamic)
    assert runpath == (["$ORIGIN/lib"] if file == MODULE else [])


def test_build_backends_find_the_package():
    """scikit-build-core puts the packages of this group on CMake's search path."""
    (entry,) = entry_points(group="cmake.root", name="harsanyi")
    assert entry.value == "harsanyi"
