"""What NVIDIA's client of the Open Inference Protocol gets: ``ask_triton.py URL ROWS``."""

import json
import sys
from pathlib import Path

import numpy as np
from tritonclient.http import InferenceServerClient, InferInput, InferRequestedOutput
from tritonclient.utils import InferenceServerException

MODEL = "delays"
KINDS = {"distance": np.float64, "hour": np.int64, "carrier": np.object_, "night": np.bool_}
DATATYPES = {"distance": "FP64", "hour": "INT64", "carrier": "BYTES", "night": "BOOL"}


def tensors(rows, *, binary, shape=(), **kinds):
    """The columns of the rows as the client's tensors; ``kinds`` are columns with another datatype."""
    made = []
    for name, values in rows.items():
        kind, datatype = kinds.get(name, (KINDS[name], DATATYPES[name]))
        data = np.array(values, kind).reshape(len(values), *shape)
        made.append(InferInput(name, list(data.shape), datatype).set_data_from_numpy(data, binary_data=binary))
    return made


def answered(client, inputs, **more):
    """An answer as plain data."""
    result = client.infer(MODEL, inputs, **more)
    said = result.get_response()
    (output,) = said["outputs"]
    return {
        "values": result.as_numpy("output").tolist(),
        "model": (said["model_name"], said["model_version"]),
        "id": said.get("id"),
        "datatype": output["datatype"],
        "as_bytes": "binary_data_size" in (output.get("parameters") or {}),
        "parameters": said["parameters"],
    }


def refusal(ask, *args, **kwargs):
    """How a request is refused."""
    try:
        ask(*args, **kwargs)
    except InferenceServerException as error:
        return {"status": error.status(), "message": error.message()}
    return None


def main(url, rows):
    """Ask everything."""
    client = InferenceServerClient(url.removeprefix("http://"))
    in_json = InferRequestedOutput("output", binary_data=False)
    unknown = {**rows, "distance": [float("nan")] * len(rows["distance"])}
    as_json, as_bytes = tensors(rows, binary=False), tensors(rows, binary=True)
    return {
        "live": client.is_server_live(),
        "ready": client.is_server_ready(),
        "model_ready": client.is_model_ready(MODEL),
        "version_ready": client.is_model_ready(MODEL, "1"),
        "others_ready": [client.is_model_ready("other"), client.is_model_ready(MODEL, "2")],
        "server": client.get_server_metadata(),
        "metadata": client.get_model_metadata(MODEL),
        "answers": {
            "json": answered(client, as_json, outputs=[in_json], request_id="r-1"),
            "by_default": answered(client, as_bytes, request_id="r-2"),
            "json_to_bytes": answered(client, as_json),
            "bytes_to_json": answered(client, as_bytes, outputs=[in_json]),
            "both": answered(client, as_json[:2] + as_bytes[2:], model_version="1"),
            "columns_of_width_one": answered(client, tensors(rows, binary=True, shape=(1,))),
            "columns_of_width_one_in_json": answered(client, tensors(rows, binary=False, shape=(1,))),
            "small_integers": answered(client, tensors(rows, binary=True, hour=(np.uint8, "UINT8"))),
            "bytes_objects": answered(
                client, tensors({**rows, "carrier": [text.encode() for text in rows["carrier"]]}, binary=True)
            ),
            "asynchronous": client.async_infer(MODEL, as_bytes).get_result().as_numpy("output").tolist(),
            "triton_options": answered(client, as_bytes, sequence_id=7, priority=1, timeout=1000)["values"],
            "named": answered(client, as_bytes, parameters={"client": "tests"}),
        },
        "missing": {
            "json": answered(client, tensors(unknown, binary=False))["values"],
            "bytes": answered(client, tensors(unknown, binary=True))["values"],
        },
        "refused": {
            "unknown_model": refusal(client.infer, "other", as_json, outputs=[in_json]),
            "unknown_version": refusal(client.infer, MODEL, as_json, model_version="2"),
            "missing_tensor": refusal(client.infer, MODEL, as_json[1:], outputs=[in_json]),
            "missing_binary_tensor": refusal(client.infer, MODEL, as_bytes[1:]),
            "wrong_dtype": refusal(client.infer, MODEL, tensors(rows, binary=False, hour=(np.float64, "FP64"))),
            "wrong_binary_dtype": refusal(client.infer, MODEL, tensors(rows, binary=True, hour=(np.float64, "FP64"))),
            "out_of_bounds": refusal(client.infer, MODEL, tensors({**rows, "distance": [-1.0] * 3}, binary=True)),
            "unknown_output": refusal(client.infer, MODEL, as_json, outputs=[InferRequestedOutput("other")]),
            "compressed": refusal(client.infer, MODEL, as_json, request_compression_algorithm="gzip"),
            "unknown_metadata": refusal(client.get_model_metadata, "other"),
            "repository": refusal(client.get_model_repository_index),
        },
        "compressed_answer_wanted": answered(client, as_json, response_compression_algorithm="gzip")["values"],
    }


print(json.dumps(main(sys.argv[1], json.loads(Path(sys.argv[2]).read_text()))))  # noqa: T201 - the answer
