"""Runs the cases of one library in a process of its own: worker.py LIBRARY THREADS.

Reads the number of a case and a command per line, and answers with a line of JSON. A process each keeps the libraries'
idle threads, some of which spin for a while after a call, from disturbing the others' turns.
"""

import importlib
import json
import os
import resource
import sys
import time
from collections.abc import Callable


def time_once(call: Callable[[], object], seconds: float) -> float:
    """Microseconds per call, over as many calls as fit into `seconds`, at least one."""
    start = time.perf_counter()
    call()
    once = time.perf_counter() - start
    count = max(1, min(100_000, int(seconds / max(once, 1e-7))))
    start = time.perf_counter()
    for _ in range(count):
        call()
    return (time.perf_counter() - start) / count * 1e6


def main() -> None:
    library, threads = sys.argv[1], int(sys.argv[2])
    os.environ.update(OPENBLAS_NUM_THREADS=str(threads), OMP_NUM_THREADS=str(threads), ALULA_NUM_THREADS=str(threads))
    if library == "jax" and threads == 1:
        os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
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
            print(json.dumps(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024), flush=True)


main()
