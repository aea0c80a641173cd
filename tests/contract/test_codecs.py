"""Every codec of the shelf keeps the law of codecs."""

import os
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import FunctionTransformer

from modelwright.core.errors import Invalid, Refused
from modelwright.pipelines.values import CODECS
from modelwright.testing.codecs import CodecContract

X = np.random.default_rng(3).normal(size=(120, 2))
Y = (X[:, 0] > 0).astype(int)


class TestArrow(CodecContract):
    codec = CODECS.get("arrow")
    values = (
        pa.table(
            {"x": [1, 2, None], "at": pa.array([datetime(2013, 1, 1, tzinfo=UTC)] * 3, pa.timestamp("us", "UTC"))}
        ),
        pa.table({"name": pa.array(["a", "b", "a"]).dictionary_encode()}).replace_schema_metadata({"made": "by hand"}),
        pa.table({"x": pa.array([], pa.float64())}),
    )

    def same(self, one, other):
        return one.equals(other, check_metadata=True)

    def test_how_the_rows_were_cut_up_does_not_count(self):
        whole = pa.table({"x": list(range(10))})
        pieces = pa.concat_tables([whole.slice(0, 3), whole.slice(3)])
        assert pieces["x"].num_chunks == 2
        assert self.codec.encode(pieces) == self.codec.encode(whole)
        assert self.codec.encode(whole.slice(2, 3)) == self.codec.encode(pa.table({"x": [2, 3, 4]}))


class TestNumpy(CodecContract):
    codec = CODECS.get("numpy")
    values = (
        np.arange(6, dtype=np.int32).reshape(2, 3),
        np.array([]),
        np.array("text"),
        np.float32(0.1),
        np.datetime64("2013-01-01", "us"),
        np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    )

    def same(self, one, other):
        return one.dtype == other.dtype and one.shape == other.shape and bool(np.all(one == other))

    def test_objects_are_refused_with_a_remedy(self):
        with pytest.raises(Invalid, match="pickle") as raised:
            self.codec.encode(np.array([{}, None]))
        assert "astype" in raised.value.remedy

    def test_a_pickle_is_not_read(self, tmp_path):
        np.save(tmp_path / "evil.npy", np.array([print], dtype=object), allow_pickle=True)
        with pytest.raises(Exception, match="no NumPy array"):
            self.codec.decode(b"\x00" + (tmp_path / "evil.npy").read_bytes())


class TestSklearn(CodecContract):
    codec = CODECS.get("sklearn")
    values = (
        LogisticRegression(C=0.3).fit(X, Y),
        HistGradientBoostingClassifier(max_iter=3, random_state=0).fit(X, Y),
    )

    def same(self, one, other):
        return one.predict_proba(X).tobytes() == other.predict_proba(X).tobytes()

    def test_functions_are_refused(self):
        with pytest.raises(Refused, match="allow-list"):
            self.codec.encode(FunctionTransformer(os.getcwd))


@pytest.mark.parametrize("name", CODECS.names())
def test_every_codec_of_the_shelf_is_tested_here(name):
    assert f"Test{name.title().replace('-', '')}" in globals()
