"""What MLflow's scoring client gets, beside what MLflow's own server would say: ``ask_mlflow.py URL ROWS FOLDER``.

The requests are made by MLflow's helpers where it has some.
"""

import json
import sys
from pathlib import Path
from urllib.parse import urlsplit

import mlflow
import numpy as np
import pandas as pd
import requests
from fastapi.testclient import TestClient
from mlflow.models.utils import convert_input_example_to_serving_input
from mlflow.pyfunc import scoring_server
from mlflow.pyfunc.scoring_server.client import ScoringServerClient
from mlflow.utils.proto_json_utils import NumpyEncoder, _get_jsonable_obj, dump_input_data

JSON, CSV = scoring_server.CONTENT_TYPE_JSON, scoring_server.CONTENT_TYPE_CSV


def bodies(frame):
    """Form -> (content type, body), each as MLflow's helpers write it."""
    records = _get_jsonable_obj(frame, pandas_orient="records")
    plain = json.loads(json.dumps(records, cls=NumpyEncoder))
    gaps = frame.assign(distance=np.nan)
    return {
        "dataframe_split": (JSON, dump_input_data(frame)),
        "dataframe_split_example": (JSON, convert_input_example_to_serving_input(frame)),
        "dataframe_records": (JSON, json.dumps({scoring_server.DF_RECORDS: plain})),
        "instances": (JSON, dump_input_data(plain, inputs_key="instances")),
        "inputs": (JSON, convert_input_example_to_serving_input({name: frame[name].to_numpy() for name in frame})),
        "csv": (CSV, frame.to_csv(index=False)),
        "csv_with_index": (CSV, frame.to_csv()),
        "charset": (f"{JSON}; charset=utf-8", dump_input_data(frame)),
        "reordered": (JSON, dump_input_data(frame[frame.columns[::-1]])),
        "superfluous": (JSON, dump_input_data(frame.assign(tailnum="N14228"))),
        "missing_values_example": (JSON, convert_input_example_to_serving_input(gaps)),
        "missing_values_client": (JSON, dump_input_data(gaps)),
        "missing_values_csv": (CSV, gaps.to_csv(index=False)),
        "missing_column": (JSON, dump_input_data(frame.drop(columns="hour"))),
        "missing_required_value": (JSON, dump_input_data(frame.assign(carrier=np.nan))),
        "wrong_type": (JSON, dump_input_data(frame.assign(hour="early"))),
        "wrong_type_csv": (CSV, frame.assign(hour="early").to_csv(index=False)),
        "two_forms": (JSON, json.dumps({"instances": plain, "dataframe_records": plain})),
        "no_form": (JSON, json.dumps({"columns": list(frame), "data": frame.to_numpy().tolist()})),
        "a_list": (JSON, json.dumps(plain)),
        "no_json": (JSON, "{"),
        "other_media": ("text/html", "<p>"),
        "other_charset": (f"{JSON}; charset=latin-1", dump_input_data(frame)),
    }


def said(response):
    """An answer as plain data; MLflow's own has the probabilities of both classes."""
    try:
        body = response.json()
    except ValueError:
        return {"status": response.status_code, "text": response.text}
    if response.status_code != 200:
        return {"status": response.status_code, "error_code": body["error_code"], "message": body["message"]}
    values = [one[1] if isinstance(one, list) else one for one in body["predictions"]]
    return {"status": response.status_code, "values": values}


def main(url, rows, folder):
    """Ask everything."""
    frame = pd.DataFrame(rows)
    place = urlsplit(url)
    client = ScoringServerClient(place.hostname, place.port)
    client.wait_server_ready(timeout=10)
    theirs = TestClient(scoring_server.init(mlflow.pyfunc.load_model(folder)))
    answers = {}
    for form, (media, body) in bodies(frame).items():
        headers = {"Content-Type": media}
        answers[form] = {
            "ours": said(requests.post(f"{url}/invocations", body.encode(), headers=headers, timeout=60)),
            "theirs": said(theirs.post("/invocations", content=body.encode(), headers=headers)),
        }
    return {
        "client": client.invoke(frame).get_predictions().iloc[:, 0].tolist(),
        "client_params": client.invoke(frame, params={"event_at": "2013-01-01"}).get_predictions().iloc[:, 0].tolist(),
        "version": client.get_version(),
        "own_version": requests.get(f"{url}/v2", timeout=60).json()["version"],
        "health": {path: requests.get(f"{url}/{path}", timeout=60).status_code for path in ("ping", "health")},
        "forms": answers,
    }


print(json.dumps(main(sys.argv[1], json.loads(Path(sys.argv[2]).read_text()), sys.argv[3])))  # noqa: T201 - the answer
