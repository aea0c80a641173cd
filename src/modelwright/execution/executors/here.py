"""Whether this process carries out steps for another one, which then must not start executions of its own."""

from __future__ import annotations

stepping = False
"""Set by ``pipelines.stepper`` in its own process."""
