"""The dashboard: pages rendered on the server from the answers of operations.

A page reads what any client can read, through ``app.connect.Workspace``; there is no query and no endpoint of its own.
``routes`` lists the pages, ``assets`` holds the few static files, ``render`` makes HTML. ``server.pages`` mounts them.
"""

from modelwright.ui.page import Ask, Page, View
from modelwright.ui.render import rendered
from modelwright.ui.routes import PAGES

__all__ = ["PAGES", "Ask", "Page", "View", "rendered"]
