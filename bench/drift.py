"""Drift of 20 numeric and 10 categorical columns, beside Evidently and NannyML: ``python bench/drift.py [rows …]``.

Each contender is a fresh process that reads two Parquet files of so many rows, reference and current, and compares
every column. Ours counts both on the reference's grids, a column at a time, and asks every drift test that suits it.
Printed: wall and processor seconds without imports, peak memory of the whole process, and ratios to the floor: one
NumPy pass per column, on 4,096 equal cells between the reference's ends, and the Jensen-Shannon distance of those.

The peers need older releases than ours. Where an interpreter that has one is named, it takes part:

    python -m venv ev && ev/bin/pip install evidently 'pandas<3' pyarrow    BENCH_EVIDENTLY=ev/bin/python
    python -m venv nm && nm/bin/pip install nannyml statsmodels pyarrow     BENCH_NANNYML=nm/bin/python
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

NUMBERS = [f"n{place:02}" for place in range(20)]
LEVELS = {f"c{place:02}": size for place, size in enumerate((2, 3, 5, 8, 12, 20, 50, 100, 200, 500))}


def written(folder: Path, rows: int) -> None:
    """Reference and current rows; half of the current columns moved a little."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    for which in ("reference", "current"):
        dice = np.random.default_rng(len(which))
        later = which == "current"
        columns: dict[str, Any] = {}
        for place, name in enumerate(NUMBERS):
            values = dice.lognormal(size=rows) if place % 3 == 2 else dice.normal(size=rows)
            columns[name] = values + 0.05 * (later and place % 2)
        for name, size in LEVELS.items():
            shares = 1 / np.arange(1, size + 1)
            codes = dice.choice(size, rows, p=shares / shares.sum())
            columns[name] = pa.array([f"v{code}" for code in range(size)]).take(pa.array(codes))
        pq.write_table(pa.table(columns), folder / f"{which}.parquet")


@contextmanager
def timed(stages: dict[str, tuple[float, float]], stage: str) -> Iterator[None]:
    wall, processor = time.perf_counter(), time.process_time()
    yield
    stages[stage] = (time.perf_counter() - wall, time.process_time() - processor)


def columns(folder: Path, which: str) -> Iterator[tuple[str, Any]]:
    import pyarrow.parquet as pq

    with pq.ParquetFile(folder / f"{which}.parquet", read_dictionary=list(LEVELS)) as file:
        for name in file.schema_arrow.names:
            yield name, file.read([name], use_threads=False)[name]


def floor(folder: Path, stages: dict[str, tuple[float, float]]) -> None:
    import numpy as np

    def shares(values: Any, low: float, high: float) -> Any:
        cells = ((values - low) * (4095 / (high - low))).clip(0, 4095).astype(np.int32)
        return np.bincount(cells, minlength=4096) / len(values)

    def apart(p: Any, q: Any) -> float:
        middle = (p + q) / 2
        sides = (each[each > 0] @ np.log2(each[each > 0] / middle[each > 0]) for each in (p, q))
        return float(max(sum(sides) / 2, 0) ** 0.5)

    def counted(values: Any) -> dict[str, int]:
        found = values.value_counts()
        return dict(zip(found.field("values").to_pylist(), found.field("counts").to_pylist(), strict=True))

    with timed(stages, "everything"):
        for (name, old), (_, new) in zip(columns(folder, "reference"), columns(folder, "current"), strict=True):
            if name in LEVELS:
                sides = [counted(old), counted(new)]
                names = sorted(sides[0] | sides[1])
                apart(*(np.array([side.get(each, 0) for each in names]) / sum(side.values()) for side in sides))
            else:
                before, after = old.to_numpy(), new.to_numpy()
                low, high = before.min(), before.max()
                apart(shares(before, low, high), shares(after, low, high))


def modelwright(folder: Path, stages: dict[str, tuple[float, float]]) -> None:
    from modelwright.stats.drift import DRIFT_TESTS
    from modelwright.stats.profile import grid, grids, profile, profiles

    tests = [DRIFT_TESTS.get(name) for name in DRIFT_TESTS.names()]
    small = {"n": [1, 2], "c": ["a", "b"]}
    compared(tests, grids(small), *(profiles(grids(small), small) for _ in range(2)))  # what the first use imports
    with timed(stages, "once: grids and profile of the reference"):
        cells, before = {}, {}
        for name, values in columns(folder, "reference"):
            cells[name] = grid(values)
            before[name] = profile(cells[name], values)
    with timed(stages, "each period: profile"):
        after = {name: profile(cells[name], values) for name, values in columns(folder, "current")}
    with timed(stages, "each period: all seven tests"):
        compared(tests, cells, before, after)


def compared(tests: list[Any], cells: Any, before: Any, after: Any) -> None:
    from modelwright.stats.drift.base import Kind
    from modelwright.stats.histogram import NumericGrid

    for name, each in cells.items():
        kind = Kind.NUMERIC if isinstance(each, NumericGrid) else Kind.CATEGORIES
        for test in tests:
            if kind in test.suits:
                test(before[name], after[name], each)


def evidently(folder: Path, stages: dict[str, tuple[float, float]]) -> None:
    import pandas as pd
    from evidently import DataDefinition, Dataset, Report
    from evidently.presets import DataDriftPreset

    definition = DataDefinition(numerical_columns=NUMBERS, categorical_columns=list(LEVELS))
    with timed(stages, "read"):
        frames = [pd.read_parquet(folder / f"{which}.parquet") for which in ("reference", "current")]
    with timed(stages, "compare"):
        old, new = (Dataset.from_pandas(frame, data_definition=definition) for frame in frames)
        Report([DataDriftPreset()]).run(new, old)


def nannyml(folder: Path, stages: dict[str, tuple[float, float]]) -> None:
    import nannyml as nml
    import pandas as pd

    with timed(stages, "read"):
        old, new = (pd.read_parquet(folder / f"{which}.parquet") for which in ("reference", "current"))
    asked = nml.UnivariateDriftCalculator(
        column_names=[*NUMBERS, *LEVELS], treat_as_categorical=list(LEVELS), chunk_number=1
    )
    with timed(stages, "once: fit"):
        asked.fit(old)
    with timed(stages, "each period: calculate"):
        asked.calculate(new)


CONTENDERS = {each.__name__: each for each in (floor, modelwright, evidently, nannyml)}


def contend(name: str, folder: Path) -> None:
    """In a process of its own: print what it cost."""
    stages: dict[str, tuple[float, float]] = {}
    CONTENDERS[name](folder, stages)
    print(json.dumps({"stages": stages, "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))


def interpreters() -> dict[str, str | None]:
    return {
        "floor": sys.executable,
        "modelwright": sys.executable,
        "evidently": os.environ.get("BENCH_EVIDENTLY"),
        "nannyml": os.environ.get("BENCH_NANNYML"),
    }


def main(sizes: list[int]) -> None:
    left_out = [name for name, interpreter in interpreters().items() if interpreter is None]
    for name in left_out:
        print(f"{name} is left out: BENCH_{name.upper()} names no interpreter that has it.")
    for rows in sizes:
        with tempfile.TemporaryDirectory() as place:
            subprocess.run([sys.executable, __file__, "--write", place, str(rows)], check=True)  # or its peak is theirs
            print(f"\n{rows:,} reference and {rows:,} current rows, 20 numeric and 10 categorical columns")
            print(f"{'':54}{'wall s':>9}{'cpu s':>9}{'peak MB':>9}   ratio of cpu to the floor")
            base = 0.0
            for name, interpreter in interpreters().items():
                if interpreter is None:
                    continue
                command = [interpreter, __file__, "--contend", name, place]
                told = subprocess.run(command, capture_output=True, text=True, check=False)
                if told.returncode:
                    print(f"{name} failed: {(told.stderr.strip().splitlines() or ['?'])[-1]}")
                    continue
                found = json.loads(told.stdout.splitlines()[-1])
                walls, processors = zip(*found["stages"].values(), strict=True)
                base = base or sum(processors)
                for stage, (wall, processor) in found["stages"].items():
                    print(f"{name}: {stage:{52 - len(name)}}{wall:9.3f}{processor:9.3f}")
                total = f"{name}: in all"
                ratio = sum(processors) / base
                print(f"{total:54}{sum(walls):9.3f}{sum(processors):9.3f}{found['peak']:9.0f}{ratio:9.1f}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--contend"]:
        contend(sys.argv[2], Path(sys.argv[3]))
    elif sys.argv[1:2] == ["--write"]:
        written(Path(sys.argv[2]), int(sys.argv[3]))
    else:
        main([int(each) for each in sys.argv[1:]] or [100_000, 1_000_000])
