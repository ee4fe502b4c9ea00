"""Puts the engine's shared library into the wheel; everything else is in pyproject.toml."""

import os
import shutil
import subprocess
from pathlib import Path

from setuptools import Distribution, setup
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.build_py import build_py

CHECKOUT = Path(__file__).resolve().parents[2]


def library() -> Path:
    """The library that ALULA_LIBRARY names, or the one that the checkout around this file builds."""
    given = os.environ.get("ALULA_LIBRARY")
    if given:
        return Path(given)
    if not (CHECKOUT / "Package.swift").exists():
        raise SystemExit("alula: no checkout around bindings/python; name a built library with ALULA_LIBRARY")
    if shutil.which("swift") is None:
        raise SystemExit("alula: Swift 6.3 is needed to build the library; or name a built one with ALULA_LIBRARY")
    subprocess.run(["swift", "build", "-c", "release", "--product", "alula"], cwd=CHECKOUT, check=True)
    return CHECKOUT / ".build" / "release" / "libalula.so"


class BuildWithLibrary(build_py):
    def run(self) -> None:
        super().run()
        target = Path(self.build_lib) / "alula" / "libalula.so"
        shutil.copyfile(library(), target)
        if shutil.which("strip"):
            subprocess.run(["strip", "--strip-unneeded", str(target)], check=True)


class PlatformWheel(bdist_wheel):
    """Any Python 3, this platform: the library is loaded by ctypes, not linked against Python."""

    def get_tag(self) -> tuple[str, str, str]:
        return "py3", "none", super().get_tag()[2]


class BinaryDistribution(Distribution):
    def has_ext_modules(self) -> bool:
        return True


setup(distclass=BinaryDistribution, cmdclass={"build_py": BuildWithLibrary, "bdist_wheel": PlatformWheel})
