"""The static files are what their authors published, and all of them are there."""

import gzip
import hashlib
import re
from importlib.resources import files

import pytest

from modelwright.ui.assets import TYPES, address, assets

STATIC = files("modelwright.ui") / "static"
TEMPLATES = files("modelwright.ui") / "templates"
MANIFEST = (STATIC / "vendor.sha256").read_text().splitlines()
VENDORED = [line.split() for line in MANIFEST if line and not line.startswith("#")]


@pytest.mark.parametrize(("digest", "name"), VENDORED)
def test_a_vendored_file_is_the_one_in_the_manifest(digest, name):
    assert hashlib.sha256((STATIC / name).read_bytes()).hexdigest() == digest


def test_the_manifest_names_versions_licences_and_every_foreign_file():
    assert [line for line in MANIFEST if re.match(r"# (htmx.org 2|uplot 1)\.\d+\.\d+", line)] != []
    names = {name for _, name in VENDORED}
    ours = {"app.css", "app.js", "palette.js", "mark.svg", "vendor.sha256"}
    assert {item.name for item in STATIC.iterdir()} == names | ours
    assert {"htmx.LICENSE", "uplot.LICENSE"} <= names


def test_assets_are_addressed_by_their_content():
    assert set(assets()) == set(TYPES)
    for name, asset in assets().items():
        assert gzip.decompress(asset.compressed) == asset.content
        assert address(name) == f"/static/{name}?v={hashlib.sha256(asset.content).hexdigest()[:12]}"


@pytest.mark.parametrize("name", sorted(item.name for item in TEMPLATES.iterdir()))
def test_a_template_has_no_script_no_style_and_no_unescaped_value(name):
    text = (TEMPLATES / name).read_text()
    assert "|safe" not in text.replace(" ", "")
    assert "autoescape" not in text
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son[a-z]+=", text)
    assert not re.search(r"https?://", text)
