"""Runs the cases of one library in a process of its own: worker.py LIBRARY THREADS.

Reads the number of a case and a command per line, and answers with a line of JSON. A process each keeps the libraries'
idle threads, some of which spin for a while after a call, from disturbing the others' turns.
"""

import contextlib
import importlib
import json
import os
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path


def time_once(call: Callable[[], object], seconds: float) -> float:
    """Microseconds per call, over as many calls as take about `seconds`, at least one; the first wakes the threads."""
    call()
    count, elapsed = 1, 0.0
    while True:
        start = time.perf_counter()
        for _ in range(count):
            call()
        elapsed = time.perf_counter() - start
        if elapsed > seconds / 2 or count >= 100_000:
            return elapsed / count * 1e6
        count *= 2


def status(field: str) -> float:
    """A size that the system keeps of this process, in MB."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1]) / 1024
    raise KeyError(field)


def memory(library: str, make: Callable[[str], Callable[[], object] | None]) -> dict[str, float] | None:
    """What a call that is made in this fresh process takes at its peak, in MB above the imported library, and how many
    pages the system has to provide for each call once it is warm."""
    for part in (library, f"{library}.nn", f"{library}.optim"):
        with contextlib.suppress(ImportError):
            importlib.import_module(part)
    imported = status("VmRSS")
    if (call := make(library)) is None:
        return None
    for _ in range(20):
        call()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(50):
        call()
    faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
    return {"peak MB": status("VmHWM") - imported, "page faults": faults / 50}


def main() -> None:
    library, threads = sys.argv[1], int(sys.argv[2])
    os.environ.update(OPENBLAS_NUM_THREADS=str(threads), OMP_NUM_THREADS=str(threads), ALULA_NUM_THREADS=str(threads))
    if library == "jax" and threads == 1:
        os.environ["XLA_FLAGS"] = (
            os.environ.get("XLA_FLAGS", "") + " --xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
        )
    if library in ("torch", "alula"):
        importlib.import_module(library).set_num_threads(threads)
    import cases

    table = cases.cases()
    calls: dict[int, Callable[[], object] | None] = {}
    for line in sys.stdin:
        number, command, *values = line.split()
        case = int(number)
        if command == "make":
            calls = {case: table[case].make(library)}
            if (call := calls[case]) is not None:
                for _ in range(3):
                    call()
            print(json.dumps(calls[case] is not None), flush=True)
        elif command == "time":
            print(json.dumps(time_once(calls[case], float(values[0]))), flush=True)
        elif command == "memory":
            print(json.dumps(memory(library, table[case].make)), flush=True)


main()
