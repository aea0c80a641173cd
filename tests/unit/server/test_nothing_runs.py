"""Every page that a reader can reach, walked: no script but our files, no style of its own, nothing from elsewhere."""

import re
from contextlib import closing
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

import pytest

from modelwright.server.gate import SECURITY
from support.asgi import Asker
from support.homes import application
from support.people import do
from support.story import told
from support.twins import Alone

HOME = "http://localhost:8900"
_RUNS = ("javascript:", "data:text/html", "vbscript:")

HOSTILE = "<script>alert(1)</script>\u202egnp.exe\"'><img src=x onerror=alert(1)>"


class Reader(HTMLParser):
    """What of a page could run, and where it leads."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.page = page
        self.runs: list[str] = []
        self.leads: set[str] = set()

    def handle_starttag(self, tag, attrs):
        for name, value in attrs:
            if name.startswith("on") or name == "style" or name == "srcdoc":
                self.runs.append(f"<{tag} {name}={value!r}>")
            if name in ("href", "src", "action", "formaction") or name.startswith("hx-"):
                self._lead(tag, name, value or "")
        if tag in ("style", "iframe", "object", "embed", "base") or (tag == "script" and not dict(attrs).get("src")):
            self.runs.append(f"<{tag}>")

    def _lead(self, tag, name, value):
        if value.lower().strip().startswith(_RUNS):
            self.runs.append(f"<{tag} {name}={value!r}>")
        elif name in ("src", "action", "formaction") and urlsplit(urljoin(HOME, value)).netloc != urlsplit(HOME).netloc:
            self.runs.append(f"<{tag} {name}={value!r}> of another site")
        elif tag == "a" and name == "href" and urlsplit(urljoin(HOME, value)).netloc == urlsplit(HOME).netloc:
            self.leads.add(urljoin(HOME + self.page, value).removeprefix(HOME).partition("#")[0])


@pytest.fixture(scope="module")
def asker(platform):
    told(Alone(platform))
    run_id = do(platform, "runs.start", name="odd", parameters={HOSTILE[:60]: HOSTILE}, tags={"x": HOSTILE}).id
    for name, content in (("page.html", HOSTILE), ("drawing.svg", f"<svg onload='alert(1)'>{HOSTILE}</svg>")):
        stored = platform.blobs.put(content.encode())
        do(platform, "runs.keep", run_id=run_id, path=name, content={"digest": stored.digest, "size": stored.size})
    with closing(application(platform)) as app, closing(Asker(app)) as asking:
        yield asking


def test_no_page_that_can_be_reached_runs_anything_of_its_own(asker):
    waiting, seen, kinds = ["/"], set(), set()
    while waiting:
        page = waiting.pop()
        shape = re.sub(r"[0-9a-f]{12,}|\d+", "0", page)  # of pages that differ in a number or an id, three are walked
        if page in seen or sum(one[1] == shape for one in kinds) >= 3:
            continue
        seen.add(page)
        path, _, query = page.partition("?")
        answer = asker.ask("GET", path, query=query.encode())
        assert answer.status in (200, 303, 404), (page, answer.status)
        if answer.headers.get("content-type", "").startswith("text/html"):
            kinds.add((page, shape))
            assert answer.headers["content-security-policy"] == SECURITY["content-security-policy"], page
            reader = Reader(path)
            reader.feed(answer.body.decode())
            assert reader.runs == [], page
            waiting += sorted(reader.leads - seen)
        else:
            assert answer.headers["x-content-type-options"] == "nosniff", page
    declared = {one.path for one in asker.app.declared if "GET" in one.methods and one.path.count("{") == 0}
    pages = {path for path in declared if not path.startswith(("/static", "/api", "/health", "/sign", "/do"))}
    assert len(seen) > len(pages)


def test_what_people_stored_is_saved_and_never_shown_as_a_page(asker, platform):
    run_id = do(platform, "runs.list", name="odd").items[0].id
    for name in ("page.html", "drawing.svg"):
        answer = asker.post("runs.artifact", {"run_id": run_id, "path": name}, accept="application/octet-stream")
        assert answer.status == 200
        assert answer.headers["content-type"] == "application/octet-stream"
        assert answer.headers["content-disposition"].startswith("attachment; ")
        assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox"
        assert answer.headers["x-content-type-options"] == "nosniff"


WAYS_OUT = [
    "../../../../etc/passwd",
    "..%2f..%2f..%2fetc%2fpasswd",
    "%2e%2e/%2e%2e/etc/passwd",
    "%252e%252e%252fetc%252fpasswd",
    "..\\..\\etc\\passwd",
    "%c0%ae%c0%ae/etc/passwd",
    "/etc/passwd",
    "//etc/passwd",
    "file:///etc/passwd",
    "....//....//etc/passwd",
    "..;/..;/etc/passwd",
    "\x00/etc/passwd",
    "page.html%00.png",
    "~/.ssh/id_ed25519",
    "keys/signing.key",
    "control.db",
]


@pytest.mark.parametrize("way", WAYS_OUT)
def test_no_way_leads_out_of_what_was_stored(asker, platform, way):
    secrets = (b"root:", platform.home.keys.joinpath("signing.key").read_bytes(), b"SQLite format 3")
    run_id = do(platform, "runs.list", name="odd").items[0].id
    answers = [
        asker.post("runs.artifact", {"run_id": run_id, "path": way}, accept="application/octet-stream"),
        asker.post("models.download", {"ref": "delay@1", "path": way}, accept="application/octet-stream"),
        asker.ask("HEAD", f"/api/v1/blobs/{way}"),
    ]
    holes = [one.path for one in asker.app.declared if "GET" in one.methods and "{" in one.path]
    answers += [asker.ask("GET", re.sub(r"{[^}]+}", lambda _: way, path)) for path in holes]
    for answer in answers:
        assert answer.status < 500
        assert not any(secret in answer.body for secret in secrets)
    assert {answer.status for answer in answers[:3]} <= {400, 404}
