"""What MLflow makes of a package: ``load_package.py FOLDER``."""

import json
import sys
import warnings
from pathlib import Path

import mlflow
import pandas as pd


def main(folder):
    """Load it and ask it the golden rows."""
    golden = json.loads((folder / "golden.json").read_text())
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        model = mlflow.pyfunc.load_model(str(folder))
    rows = pd.DataFrame(golden["columns"])
    schema = model.metadata.get_input_schema()
    return {
        "golden": golden["answers"],
        "predicted": [float(pair[1]) for pair in model.predict(rows)],
        "reordered": [float(pair[1]) for pair in model.predict(rows[rows.columns[::-1]])],
        "inputs": [(column.name, column.type.name, column.required) for column in schema.inputs],
        "warned": [str(one.message) for one in warned if "version" in str(one.message)],
    }


print(json.dumps(main(Path(sys.argv[1]))))  # noqa: T201 - the answer
