"""What a worker is given in production: verified packages, logs in the home."""

from datetime import UTC, datetime

import numpy as np
import pytest
from msgspec.structs import replace

from modelwright.core import wire
from modelwright.core.errors import Corrupted
from modelwright.core.schema import Column, Contract, DType
from modelwright.inference.watch import Place
from modelwright.inference.worker import equip
from modelwright.models.model import MANIFEST_TYPE, Manifest, Package, PackageFile
from modelwright.models.package import pack
from modelwright.predictions.model import Kind
from modelwright.serving.model import Route
from modelwright.store.adapters.local_blobs import LocalBlobs
from modelwright.store.keys import Keys

CONTRACT = Contract(columns=(Column(name="x", dtype=DType.FLOAT64), Column(name="y", dtype=DType.FLOAT64)))


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path, Keys(tmp_path / "keys").public, "w1")


@pytest.fixture
def packed():
    from sklearn.linear_model import LinearRegression

    model = LinearRegression().fit(np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]]), [0.0, 1.0, 2.0])
    return pack(model, CONTRACT, {"x": [1.0, 2.0], "y": [0.5, 0.5]}, requirements="")


@pytest.fixture
def route(place, packed):
    """A route to a signed package whose bytes are in the home."""
    blobs = LocalBlobs(place.home / "blobs")
    stored = {path: blobs.put(data) for path, data in packed.files.items()}
    files = tuple(PackageFile(path=path, digest=one.digest, size=one.size) for path, one in sorted(stored.items()))
    manifest = Manifest(model="m", flavour=packed.flavour, task=packed.task, inputs=CONTRACT, files=files)
    package = Package(
        ref="m@1",
        digest=wire.digest(manifest),
        manifest=manifest,
        signed=Keys(place.home / "keys").sign(wire.canonical(manifest), MANIFEST_TYPE),
    )
    return Route(endpoint="e", model="m", version=1, package=package, since=datetime.now(UTC))


def test_a_package_of_the_home_is_verified_and_loaded(place, route):
    predictor = equip(place).load(route)
    assert predictor({"x": [1.0, 0.0], "y": [0.0, 1.0]}).tolist() == pytest.approx([1.0, 2.0])


def test_a_package_with_an_altered_byte_is_refused_and_the_file_named(place, route):
    victim = next(file for file in route.package.manifest.files if file.path == "model.skops")
    (path,) = [path for path in (place.home / "blobs").rglob("*") if path.name in victim.digest and path.is_file()]
    path.chmod(0o600)
    path.write_bytes(b"?" + path.read_bytes()[1:])
    with pytest.raises(Corrupted, match=r"model\.skops|" + victim.digest[:12]):
        equip(place).load(route)


def test_the_log_of_an_endpoint_lies_in_its_projects_folder(place, route):
    for project, folder in (("default", "e"), ("claims", "@claims/e")):
        log = equip(place).open_log(replace(route, project=project), Kind.PREDICTIONS)
        log.append(b"record")
        log.close()
        assert len(list((place.home / "log" / folder / "predictions").glob("w1-*.seg"))) == 1
