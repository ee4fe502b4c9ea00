"""Times Alula beside the peers that are installed, interleaved: one round runs every library once.

python benchmarks/run.py [--rounds 15] [--threads 2] [--only matmul] [--json FILE]
"""

import argparse
import importlib.util
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import cases

LIBRARIES = {"numpy": "numpy", "torch": "torch", "alula": "alula"}


def time_once(call: Callable[[], object], seconds: float = 0.02) -> float:
    """Microseconds per call, over as many calls as fit into `seconds`, at least one."""
    start = time.perf_counter()
    call()
    once = time.perf_counter() - start
    count = max(1, int(seconds / max(once, 1e-7)))
    start = time.perf_counter()
    for _ in range(count):
        call()
    return (time.perf_counter() - start) / count * 1e6


def measure(builders: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    for call in builders.values():
        call()
    times: dict[str, list[float]] = {name: [] for name in builders}
    for _ in range(rounds):
        for name, call in builders.items():
            times[name].append(time_once(call))
    return {name: statistics.median(values) for name, values in times.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--only", default="", help="cases whose name contains this")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()

    libraries = [name for name, module in LIBRARIES.items() if importlib.util.find_spec(module)]
    cases.set_threads(libraries, options.threads)
    print(f"{'case':34}" + "".join(f"{name:>12}" for name in libraries) + "   (µs)")
    results = {}
    for name, builder in cases.CASES.items():
        if options.only not in name:
            continue
        calls = {library: call for library in libraries if (call := builder(library)) is not None}
        results[name] = measure(calls, options.rounds)
        row = "".join(f"{results[name].get(library, float('nan')):12.1f}" for library in libraries)
        print(f"{name:34}{row.replace('nan', '  –')}", flush=True)
    if options.json:
        options.json.write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
