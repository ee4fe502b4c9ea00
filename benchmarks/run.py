"""Times Alula beside the peers that are installed, in one interleaved run.

Each library lives in a process of its own. A round gives every library one turn, one after the other, and then measures
what the machine can do; the table shows medians over the rounds.

    python benchmarks/run.py [--threads 2] [--rounds 9] [--only matmul] [--busy] [--avx2] [--json FILE] [--plot FILE]
"""

from __future__ import annotations

import argparse
import atexit
import importlib.util
import json
import math
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import cases

HERE = Path(__file__).parent
PEERS = ("numpy", "torch", "jax")
# What keeps each library, and those inside it, from wider vectors.
AVX2_ONLY = {
    "ALULA_ISA": "avx2",
    "NPY_DISABLE_CPU_FEATURES": "X86_V4 AVX512_ICL AVX512_SPR",
    "OPENBLAS_CORETYPE": "Haswell",
    "ATEN_CPU_CAPABILITY": "avx2",
    "ONEDNN_MAX_CPU_ISA": "AVX2",
    "MKL_ENABLE_INSTRUCTIONS": "AVX2",
    "XLA_FLAGS": "--xla_cpu_max_isa=AVX2 --xla_cpu_experimental_ynn_fusion_type=",
}


class Worker:
    """A library's process."""

    def __init__(self, library: str, threads: int) -> None:
        self.process = subprocess.Popen(
            [sys.executable, str(HERE / "worker.py"), library, str(threads)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    def ask(self, case: int, command: str) -> Any:
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(f"{case} {command}\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise RuntimeError(f"{self.process.args} died")
        return json.loads(answer)

    def rest(self) -> None:
        """Waits until no thread runs: some libraries' threads spin on for tens of milliseconds after a call,
        on a core that the next library needs."""
        for _ in range(500):
            time.sleep(0.002)
            if not any(running(path) for path in Path(f"/proc/{self.process.pid}/task").glob("*/stat")):
                return

    def close(self) -> None:
        self.process.kill()
        self.process.wait()


def running(thread: Path) -> bool:
    try:
        return thread.read_text().rpartition(")")[2].split()[0] == "R"
    except OSError:
        return False  # It has ended.


def processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":")[1].strip()
    return platform.processor()


class Machine:
    """What the machine can do at the moment, from limits.c."""

    KINDS = ("float32", "float64", "bandwidth")

    def __init__(self, threads: int, architecture: str) -> None:
        self.folder = tempfile.TemporaryDirectory()
        program = f"{self.folder.name}/limits"
        source = str(HERE / "limits.c")
        subprocess.run(["cc", "-O3", f"-march={architecture}", "-pthread", source, "-o", program], check=True)
        self.process = subprocess.Popen(
            [program, str(threads)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def rate(self, kind: str) -> float:
        """GFLOP/s or GB/s."""
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(kind + "\n")
        self.process.stdin.flush()
        return float(self.process.stdout.readline())

    def peaks(self) -> dict[str, float]:
        return {kind: max(self.rate(kind) for _ in range(7)) for kind in self.KINDS}


def small_operations() -> dict[str, float]:
    """Nanoseconds of small calls from C, from small_ops.c."""
    root = HERE.parent
    library = root / ".build" / "release"
    with tempfile.TemporaryDirectory() as folder:
        program = f"{folder}/small_ops"
        subprocess.run(
            ["cc", "-std=c99", "-O2", str(HERE / "small_ops.c"), "-o", program, f"-I{root / 'include'}", f"-L{library}",
             "-lalula", f"-Wl,-rpath,{library}"], check=True,
        )  # fmt: skip
        result: dict[str, float] = json.loads(subprocess.run([program], check=True, capture_output=True).stdout)
        return result


def demands(case: cases.Case) -> dict[str, float]:
    """How much of what the machine offers the case takes at least."""
    kind = "float64" if case.dtype == "float64" else "float32"
    return {key: amount for key, amount in ((kind, case.flops), ("bandwidth", case.bytes)) if amount}


def measure(
    workers: dict[str, Worker], machine: Machine, case: cases.Case, number: int, rounds: int
) -> tuple[dict[str, float], float | None]:
    """The microseconds that each library takes, and the least that the machine could: it has a turn in each round too,
    since what its neighbours leave it changes within minutes."""
    able = [name for name, worker in workers.items() if worker.ask(number, "make")]
    needs = demands(case)
    times: dict[str, list[float]] = {name: [] for name in able}
    rates: dict[str, list[float]] = {kind: [] for kind in needs}
    for _ in range(rounds):
        for name in able:
            times[name].append(workers[name].ask(number, "time 0.05"))
            workers[name].rest()
        for kind in needs:
            rates[kind].append(machine.rate(kind))
    bounds = [amount / statistics.median(rates[kind]) / 1e3 for kind, amount in needs.items()]
    return {name: statistics.median(values) for name, values in times.items()}, max(bounds, default=None)


def memory(number: int, libraries: list[str], threads: int) -> dict[str, dict[str, float]]:
    """What a case takes in a process of its own, see worker.py."""
    result = {}
    for name in libraries:
        worker = Worker(name, threads)
        if (figures := worker.ask(number, "memory")) is not None:
            result[name] = figures
        worker.close()
    return result


def text(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:,.2f}" if value < 10 else f"{value:,.1f}" if value < 1000 else f"{value:,.0f}"


def summary(results: dict[str, Any]) -> str:
    """How often Alula is ahead, and by how much."""
    ratios, slower = [], []
    for name, row in results.items():
        times = row["times"]
        peers = [times[peer] for peer in PEERS if peer in times]
        if "torch" in times:
            ratios.append(times["torch"] / times["alula"])
        if peers and times["alula"] > min(peers):
            slower.append(f"{name} ({times['alula'] / min(peers):.2f}× the best peer's time)")
    lines = []
    if ratios:
        mean = math.exp(statistics.fmean(math.log(r) for r in ratios))
        lines.append(f"geometric mean of PyTorch's time over Alula's, {len(ratios)} cases: {mean:.2f}")
    lines.append(f"slower than the best peer in {len(slower)} of {len(results)} cases" + (":" if slower else ""))
    return "\n".join(lines + [f"  {line}" for line in slower])


def plot(results: dict[str, Any], title: str, path: Path) -> None:
    import matplotlib.pyplot as plt

    names = [name for name, row in results.items() if len(row["times"]) > 1]
    figure, axes = plt.subplots(figsize=(10, 0.28 * len(names) + 1.5))
    colors = {"numpy": "#4c72b0", "torch": "#dd8452", "jax": "#55a868"}
    for peer, color in colors.items():
        points = [
            (results[n]["times"][peer] / results[n]["times"]["alula"], i)
            for i, n in enumerate(names)
            if peer in results[n]["times"]
        ]
        if points:
            axes.plot(
                *zip(*points),
                "o",
                color=color,
                label={"numpy": "NumPy", "torch": "PyTorch", "jax": "JAX"}[peer],
                markersize=5,
            )
    bounds = [
        (results[n]["limit"] / results[n]["times"]["alula"], i) for i, n in enumerate(names) if results[n]["limit"]
    ]
    if bounds:
        axes.plot(*zip(*bounds), "|", color="black", label="limit of the machine", markersize=9)
    axes.axvline(1, color="#c44e52", linewidth=1.5, label="Alula")
    axes.set_xscale("log")
    axes.set_yticks(range(len(names)), names, fontsize=8)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_xlabel("time relative to Alula's (right of the line: slower than Alula)")
    axes.set_title(title, fontsize=10)
    axes.grid(axis="x", alpha=0.3)
    axes.legend(fontsize=8, loc="upper right")
    figure.tight_layout()
    figure.savefig(path, dpi=110)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--only", default="", help="cases whose name contains this")
    parser.add_argument("--peers", default=",".join(PEERS), help="those to compare with, when they are installed")
    parser.add_argument("--busy", action="store_true", help="beside a process that spins on a core")
    parser.add_argument("--avx2", action="store_true", help="keep all libraries to AVX2")
    parser.add_argument("--json", type=Path, help="write the figures here")
    parser.add_argument("--plot", type=Path, help="draw them here (needs matplotlib)")
    options = parser.parse_args()

    # All libraries get the same processors; their own settings come on top.
    os.sched_setaffinity(0, set(sorted(os.sched_getaffinity(0))[: options.threads]))
    peers = [name for name in options.peers.split(",") if name in PEERS and importlib.util.find_spec(name)]
    libraries = ["alula", *peers]
    if options.avx2:
        os.environ.update(AVX2_ONLY)
    machine = Machine(options.threads, "haswell" if options.avx2 else "native")
    peaks = machine.peaks()
    workers = {name: Worker(name, options.threads) for name in libraries}
    if options.busy:
        spinner = subprocess.Popen([sys.executable, "-c", "while True: pass"])
        atexit.register(spinner.kill)
    title = f"{processor()}, {options.threads} threads"
    title += ", AVX2" if options.avx2 else ""
    title += ", beside a process that spins" if options.busy else ""
    print(
        f"{title}: {peaks['float32']:.0f} GFLOP/s float32, {peaks['float64']:.0f} float64, "
        f"{peaks['bandwidth']:.1f} GB/s; microseconds, median of {options.rounds}"
    )
    print(f"{'case':52}{'limit':>10}" + "".join(f"{name:>11}" for name in libraries) + f"{'of limit':>10}")
    results: dict[str, Any] = {}
    for number, case in enumerate(cases.cases()):
        if options.only not in case.name:
            continue
        times, bound = measure(workers, machine, case, number, options.rounds)
        results[case.name] = {"limit": bound, "times": times}
        share = f"{100 * bound / times['alula']:.0f} %" if bound and "alula" in times else ""
        print(
            f"{case.name:52}{text(bound):>10}"
            + "".join(f"{text(times.get(n)):>11}" for n in libraries)
            + f"{share:>10}",
            flush=True,
        )
        if case.name.startswith("train step") and not options.busy:
            figures = results[case.name]["memory"] = memory(number, libraries, options.threads)
            for key in ("peak MB", "page faults"):
                print(
                    f"  {key:60}" + "".join(f"{text(figures.get(n, {}).get(key)):>11}" for n in libraries), flush=True
                )
    small = small_operations()
    print("from C, ns: " + ", ".join(f"{name.replace('_', ' ')} {value:.0f}" for name, value in small.items()))
    print(summary(results))
    if options.json:
        about = {"processor": processor(), "threads": options.threads, **peaks}
        options.json.write_text(json.dumps({"machine": about, "cases": results, "from C, ns": small}, indent=1))
    if options.plot:
        plot(results, title, options.plot)


if __name__ == "__main__":
    main()
