"""The dashboard: pages rendered on the server from the answers of operations.

A page reads what any client can read, through ``app.connect.Workspace``; there is no query and no endpoint of its own.
``routes`` lists the pages, ``charts`` turns answers into SVG, ``assets`` holds the few static files.
"""

from modelwright.ui.page import Ask, Page, View
from modelwright.ui.routes import PAGES, mounted

__all__ = ["PAGES", "Ask", "Page", "View", "mounted"]
