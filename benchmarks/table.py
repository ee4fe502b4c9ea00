"""A Markdown table of what run.py wrote: table.py FILE.json."""

import json
import sys
from pathlib import Path

NAMES = {"alula": "Alula", "numpy": "NumPy", "torch": "PyTorch", "jax": "JAX"}


def cell(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}" if value < 10 else f"{value:,.0f}".replace(",", " ")


def memory(figures: dict[str, float] | None) -> str:
    return "–" if figures is None else f"{figures['peak MB']:.0f} / {figures['page faults']:.1f}"


def main() -> None:
    data = json.loads(Path(sys.argv[1]).read_text())
    libraries = [name for name in NAMES if any(name in row["times"] for row in data["cases"].values())]
    print("| case | limit | " + " | ".join(NAMES[name] for name in libraries) + " |")
    print("|---|" + "---:|" * (len(libraries) + 1))
    for name, row in data["cases"].items():
        times = [row["times"].get(library) for library in libraries]
        best = min(time for time in times if time is not None)
        cells = [f"**{cell(time)}**" if time == best else cell(time) for time in times]
        print(f"| {name} | {cell(row['limit'])} | " + " | ".join(cells) + " |")
    steps = {name: row["memory"] for name, row in data["cases"].items() if "memory" in row}
    if steps:
        libraries = [name for name in libraries if any(name in figures for figures in steps.values())]
        print("\n| peak MB / page faults a step | " + " | ".join(NAMES[name] for name in libraries) + " |")
        print("|---|" + "---:|" * len(libraries))
        for name, figures in steps.items():
            print(f"| {name} | " + " | ".join(memory(figures.get(library)) for library in libraries) + " |")


main()
