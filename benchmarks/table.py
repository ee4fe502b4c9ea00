"""A Markdown table of what run.py wrote: table.py FILE.json."""

import json
import sys
from pathlib import Path

NAMES = {"alula": "Alula", "numpy": "NumPy", "torch": "PyTorch", "jax": "JAX"}


def cell(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}" if value < 10 else f"{value:,.0f}".replace(",", " ")


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


main()
