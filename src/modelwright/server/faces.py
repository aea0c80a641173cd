"""What is mounted beside REST: the pages, the forms on them, and the way in."""

from __future__ import annotations

from modelwright.server.assembly import Pages
from modelwright.server.forms import forms
from modelwright.server.pages import pages
from modelwright.server.sign_in import sign_in

FACES: tuple[Pages, ...] = (pages, forms, sign_in)
"""Each makes declarations that the application mounts."""
