"""Reads the kernels' object files with nm and objdump; see check-kernels.sh."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

BUILD = Path(".build/release")
VARIANTS = ("AlulaCPU", "AlulaCPUAVX2", "AlulaCPUAVX512")

#: The sources whose kernels must loop without calls.
HOT = (
    "ActivationGradients", "Activations", "Arithmetic", "Attention", "Bitwise", "ChannelNormalization",
    "Classification", "Comparison", "Copies", "CrossEntropy", "DepthwiseConvolution", "DepthwiseGradient",
    "DotProducts", "Exponentials", "Extrema", "FloatCasts", "Fused", "GemmFloatKernels", "GemmIntegerKernels",
    "GemmTileKernels", "Hyperbolics", "IntegerCasts", "Logical", "Normalization", "PanelMoves", "Power", "Recurrent",
    "Reductions", "Rounding", "Scans", "Search", "Selection", "SmallProducts", "Softmax", "SoftmaxColumns",
    "Transposition", "Winograd",
)  # fmt: skip
#: Those among them whose loops write vectors to the stack: rows' ends and accumulators that pass through it, and a few
#: loops with a value more alive than there are registers.
STAGED = {
    "Activations", "Attention", "Bitwise", "ChannelNormalization", "CrossEntropy", "GemmIntegerKernels", "IntegerCasts",
    "Normalization", "Recurrent", "Reductions", "Softmax", "SoftmaxColumns",
}  # fmt: skip
#: The C library's: float64 functions, and float32 ones of rare use.
LIBRARY = {
    "exp", "expm1", "log", "log1p", "log2", "log10", "tanh", "sinh", "cosh", "asinh", "acosh", "atanh", "erf", "erfc",
    "sinhf", "coshf", "asinhf", "acoshf", "atanhf",
    # Lanes of unusual arguments only.
    "pow", "powf",
    # What becomes of a loop that stores one value: no integer is NaN.
    "memset",
}  # fmt: skip
#: What brings elements that do not lie side by side to a loop, once for many of them.
STAGING = re.compile(r"\$s1[24]AlulaCPUAVX(2|512)(6gather|7scatter)")

#: Constants of types and conformances, alike in all variants and without code.
WEAK_DATA = re.compile(r"swift_reflection| V (got\.|symbolic )")

#: A vector stored to the stack.
SPILL = re.compile(r"vmov[a-z0-9]+\s+%[xyz]mm\d+,-?0x[0-9a-f]+\(%r[sb]p\)")


def output(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def objects(variant: str) -> list[str]:
    found = sorted(str(path) for path in (BUILD / f"{variant}.build").rglob("*.o"))
    if not found:
        sys.exit(f"check-kernels: no object files of {variant}; build first (swift build -c release)")
    return found


def weak_code(variant: str) -> set[str]:
    """Names of weak functions: the linker keeps one of each, from whichever variant comes first."""
    lines = output("nm", *objects(variant)).splitlines()
    return {line.split()[2] for line in lines if re.match(r"[0-9a-f]+ [WV] ", line) and not WEAK_DATA.search(line)}


def loops(instructions: list[tuple[int, str]]) -> list[tuple[int, int]]:
    """The innermost loops of a function: ranges that end in a jump back to their start and hold no other such range."""
    ranges = set()
    for address, text in instructions:
        jump = re.match(r"j\w+\s+([0-9a-f]+)\b", text)
        if jump and int(jump[1], 16) <= address:
            ranges.add((int(jump[1], 16), address))
    return [r for r in ranges if not any(q != r and r[0] <= q[0] and q[1] <= r[1] for q in ranges)]


def defects(path: str) -> list[str]:
    """Calls in the innermost loops of an object file, and vectors that they spill to the stack."""
    found = []
    may_stage = Path(path).name.split(".")[0] in STAGED
    functions = re.split(r"\n(?=[0-9a-f]+ <)", output("objdump", "-dr", "--no-show-raw-insn", path))
    for function in functions:
        name = re.search(r"<(.+)>:", function)
        if not name:
            continue
        instructions: list[tuple[int, str]] = []
        targets: dict[int, str] = {}
        for line in function.splitlines():
            parts = re.match(r"\s+([0-9a-f]+):\s+(.*)", line)
            if not parts:
                continue
            if parts[2].startswith("R_X86_64_") and instructions:
                targets[instructions[-1][0]] = re.sub(r"[-+]0x.*", "", parts[2].split()[-1])
            else:
                instructions.append((int(parts[1], 16), parts[2]))
        for start, end in loops(instructions):
            loop = [(address, text) for address, text in instructions if start <= address <= end]
            calls = [targets.get(address, text) for address, text in loop if text.startswith("call")]
            found += [f"{name[1]} calls {t}" for t in calls if t not in LIBRARY and not STAGING.match(t)]
            # Around a call of the C library all vectors are spilled.
            if not calls and not may_stage and any(SPILL.match(text) for _, text in loop):
                found.append(f"{name[1]} spills a vector")
    return found


def main() -> None:
    weak = Counter(name for variant in VARIANTS for name in weak_code(variant))
    problems = [f"weak in {count} variants: {name}" for name, count in sorted(weak.items()) if count > 1]
    for variant in VARIANTS[1:]:
        checked = 0
        for path in objects(variant):
            if Path(path).name.split(".")[0] in HOT:
                checked += 1
                problems += [f"{variant}, {Path(path).name}: in a loop, {d}" for d in sorted(set(defects(path)))]
        if checked != len(HOT):
            problems.append(f"{variant}: {checked} of the {len(HOT)} hot sources were found")
    for problem in problems:
        print(f"check-kernels: {problem}", file=sys.stderr)
    if problems:
        sys.exit(1)
    print(f"check-kernels: no shared weak code; no calls or spills in the loops of {len(HOT)} sources")


main()
