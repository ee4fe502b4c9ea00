"""What all suites need: programs that they start find the package that they themselves test."""

import os
from pathlib import Path

import alula

_path = [str(Path(alula.__file__).parents[1]), *filter(None, [os.environ.get("PYTHONPATH")])]
os.environ["PYTHONPATH"] = os.pathsep.join(_path)
