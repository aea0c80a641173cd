"""What KServe's client of the Open Inference Protocol gets: ``ask_kserve.py URL ROWS``."""

import asyncio
import json
import sys
from pathlib import Path

import numpy as np

try:
    from kserve import InferenceRESTClient, InferInput, InferRequest, RESTConfig
    from kserve.protocol.infer_type import RequestedOutput
except ModuleNotFoundError as missing:
    print(json.dumps({"left_out": str(missing)}))  # noqa: T201 - the answer
    sys.exit()
from httpx import HTTPStatusError

MODEL = "delays"
COLUMNS = {
    "distance": ("FP64", np.float64),
    "hour": ("INT64", np.int64),
    "carrier": ("BYTES", np.object_),
    "night": ("BOOL", np.bool_),
}


def request(rows, *, binary, binary_output=False, **more):
    """The client's request, with its tensors in JSON or as bytes."""
    inputs = []
    for name, values in rows.items():
        datatype, kind = COLUMNS[name]
        one = InferInput(name, [len(values)], datatype)
        one.set_data_from_numpy(np.array(values, kind), binary_data=binary)
        inputs.append(one)
    outputs = [RequestedOutput("output", {"binary_data": binary_output})]
    return InferRequest(MODEL, inputs, request_outputs=outputs, **more)


async def answered(client, url, asked):
    """An answer as plain data."""
    said = await client.infer(url, asked, model_name=MODEL)
    return {
        "values": said.outputs[0].as_numpy().tolist(),
        "model": said.model_name,
        "id": said.id,
        "parameters": said.parameters,
    }


async def refusal(asking):
    """How a request is refused."""
    try:
        await asking
    except HTTPStatusError as error:
        return {"status": error.response.status_code, "message": str(error)}
    return None


async def main(url, rows):
    """Ask everything."""
    async with InferenceRESTClient(RESTConfig(protocol="v2")) as client:
        plain = {
            "inputs": [
                {"name": name, "shape": [len(values)], "datatype": COLUMNS[name][0], "data": values}
                for name, values in rows.items()
            ]
        }
        unknown = {**rows, "distance": [float("nan")] * len(rows["distance"])}
        wrong = {"inputs": [{**tensor, "datatype": "BYTES"} for tensor in plain["inputs"]]}
        return {
            "live": await client.is_server_live(url),
            "ready": await client.is_server_ready(url),
            "model_ready": await client.is_model_ready(url, MODEL),
            "other_ready": await client.is_model_ready(url, "other"),
            "answers": {
                "json": await answered(client, url, request(rows, binary=False, request_id="r-1")),
                "bytes": await answered(client, url, request(rows, binary=True, request_id="r-2")),
                "bytes_both_ways": await answered(client, url, request(rows, binary=True, binary_output=True)),
                "plain": await answered(client, url, plain),
            },
            "missing": {
                "json": (await answered(client, url, request(unknown, binary=False)))["values"],
                "bytes": (await answered(client, url, request(unknown, binary=True)))["values"],
            },
            "refused": {
                "unknown_model": await refusal(client.infer(url, plain, model_name="other")),
                "missing_tensor": await refusal(client.infer(url, {"inputs": plain["inputs"][1:]}, model_name=MODEL)),
                "wrong_dtype": await refusal(client.infer(url, wrong, model_name=MODEL)),
            },
        }


print(json.dumps(asyncio.run(main(sys.argv[1], json.loads(Path(sys.argv[2]).read_text())))))  # noqa: T201 - the answer
