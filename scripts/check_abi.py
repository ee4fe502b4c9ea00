"""What `check-abi.sh` does. The header is read after the preprocessor; sizes and offsets come from the compiler."""

from __future__ import annotations

import ast
import difflib
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HEADER = ROOT / "include" / "alula.h"
LIBRARY = ROOT / ".build" / "release" / "libalula.so"
SNAPSHOT = ROOT / "Tests" / "C" / "abi.txt"
PYTHON = ROOT / "bindings" / "python" / "src" / "alula"


def run(*command: str, text: str = "") -> str:
    """The output of a command, which must succeed."""
    done = subprocess.run(command, input=text, capture_output=True, text=True, cwd=ROOT)
    if done.returncode:
        sys.exit(f"check-abi: {' '.join(command)}: {done.stderr}")
    return done.stdout


def declarations() -> list[str]:
    """The header's declarations, one per entry, in one line each."""
    lines = []
    ours = False
    for line in run("cc", "-E", "-std=c99", str(HEADER)).splitlines():
        if line.startswith("#"):
            ours = "alula" in line.split('"')[1]
        elif ours:
            lines.append(line)
    text = re.sub(r"\s+", " ", " ".join(lines))
    # Functions defined in the header are no part of the library.
    text = re.sub(r"static inline [^{]*\{[^}]*\}", "", _flat(text))
    found = []
    depth = start = 0
    for i, character in enumerate(text):
        depth += (character == "{") - (character == "}")
        if character == ";" and depth == 0:
            found.append(text[start:i].strip())
            start = i + 1
    return found


def _flat(text: str) -> str:
    """The text with the initialisers inside inline functions' bodies taken out."""
    return re.sub(r"= \{[^}]*\}", "", text)


def prototypes(found: list[str]) -> dict[str, str]:
    """Functions by name, as `result name(type, type)`: parameters' names do not matter."""
    result = {}
    for declaration in found:
        match = re.fullmatch(r"(.*?[ *])(alula_\w+)\((.*)\)", declaration)
        if declaration.startswith("typedef") or not match:
            continue
        types = [_type(parameter) for parameter in _split(match[3])]
        result[match[2]] = f"{match[1].strip()} {match[2]}({', '.join(types)})"
    return result


def _split(parameters: str) -> list[str]:
    parts, depth, start = [], 0, 0
    for i, character in enumerate(parameters + ","):
        depth += (character == "(") - (character == ")")
        if character == "," and depth == 0:
            parts.append(parameters[start:i].strip())
            start = i + 1
    return parts


def _type(parameter: str) -> str:
    """A parameter's type: `void (*deleter)(void *context)` becomes `void (*)(void *)`."""
    if parameter == "void":
        return parameter
    match = re.fullmatch(r"(.*)\(\*\w*\)\((.*)\)", parameter)
    if match:
        return f"{match[1].strip()} (*)({', '.join(_type(p) for p in _split(match[2]))})"
    return re.sub(r"\s*\b\w+(\[\])?$", r"\1", parameter).strip()


def layouts(found: list[str]) -> list[str]:
    """Enumerators, structures with offsets and sizes, and callback types."""
    program = ["#include <alula.h>", "#include <stdio.h>", "int main(void) {"]
    callbacks = []
    for declaration in found:
        if match := re.fullmatch(r"typedef enum \w+ \{(.*)\} (\w+)", declaration):
            program.append(f'printf("enum {match[2]}: %zu bytes\\n", sizeof({match[2]}));')
            for enumerator in match[1].split(","):
                name = enumerator.split("=")[0].strip()
                program.append(f'printf("enum {match[2]}: {name} = %d\\n", (int){name});')
        elif match := re.fullmatch(r"typedef struct \w+ \{(.*)\} (\w+)", declaration):
            program.append(f'printf("struct {match[2]}: %zu bytes\\n", sizeof({match[2]}));')
            for field in filter(None, (f.strip() for f in match[1].split(";"))):
                name = re.search(r"(\w+)$", field)[1]
                kind = _type(field)
                program.append(
                    f'printf("struct {match[2]}: {name} at %zu, {kind}, %zu bytes\\n", '
                    f"offsetof({match[2]}, {name}), sizeof((({match[2]} *)0)->{name}));"
                )
        elif match := re.fullmatch(r"typedef (.*)\(\*(\w+)\)\((.*)\)", declaration):
            types = ", ".join(_type(p) for p in _split(match[3]))
            callbacks.append(f"callback {match[2]}: {match[1].strip()} (*)({types})")
    program.append('printf("macro ALULA_ABI_VERSION = %d\\n", ALULA_ABI_VERSION);')
    program.append("return 0; }")
    with tempfile.TemporaryDirectory() as folder:
        binary = f"{folder}/layouts"
        run("cc", "-std=c99", f"-I{HEADER.parent}", "-x", "c", "-", "-o", binary, text="\n".join(program))
        return run(binary).splitlines() + callbacks


def exported() -> set[str]:
    """The symbols that the library defines for others."""
    rows = (line.split() for line in run("nm", "-D", "--defined-only", str(LIBRARY)).splitlines())
    # Lower case marks local symbols, which are there for relocations only.
    return {row[-1] for row in rows if row[-2].isupper()}


def ctypes_table() -> dict[str, int]:
    """The functions that the Python package declares, with the number of their arguments."""
    table = {}
    for path in (PYTHON / "_library.py", PYTHON / "_operations.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Dict):
                continue
            for key, value in zip(node.keys, node.values):
                name = getattr(key, "value", None)
                if not (isinstance(name, str) and name.startswith("alula_") and isinstance(value, ast.Tuple)):
                    continue
                # Either the arguments, or the result and a tuple of the arguments.
                last = value.elts[-1] if value.elts else None
                arguments = last if isinstance(last, ast.Tuple) else value
                table[name] = len(arguments.elts)
    return table


def differences(left: str, right: str, a: set[str], b: set[str]) -> list[str]:
    """What only one of two sets has, in words."""
    lines = [f"{name}: in {left}, not in {right}" for name in sorted(a - b)]
    return lines + [f"{name}: in {right}, not in {left}" for name in sorted(b - a)]


def main() -> None:
    """Checks, or with --update rewrites the snapshot."""
    found = declarations()
    functions = prototypes(found)
    snapshot = "\n".join(sorted(functions.values()) + layouts(found)) + "\n"
    if "--update" in sys.argv[1:]:
        SNAPSHOT.write_text(snapshot)
        print(f"check-abi: {SNAPSHOT.relative_to(ROOT)} rewritten")

    problems = differences("the header", "the library", set(functions), exported())
    table = ctypes_table()
    problems += differences("the header", "the ctypes table", set(functions), set(table))
    for name in sorted(set(functions) & set(table)):
        text = functions[name]
        parameters = _split(text[text.index("(") + 1 : -1])
        count = 0 if parameters == ["void"] else len(parameters)
        if count != table[name]:
            problems.append(f"{name}: {count} arguments in the header, {table[name]} in the ctypes table")
    known = SNAPSHOT.read_text() if SNAPSHOT.exists() else ""
    if known != snapshot:
        problems.append("the ABI is not the one of Tests/C/abi.txt; if that is meant: scripts/check-abi.sh --update")
        problems += difflib.unified_diff(known.splitlines(), snapshot.splitlines(), "known", "now", lineterm="", n=0)
    if problems:
        sys.exit("\n".join(f"check-abi: {problem}" for problem in problems))
    print(f"check-abi: {len(functions)} functions agree in header, library, ctypes table and snapshot")


main()
