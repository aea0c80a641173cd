"""Every page of the dashboard. The server mounts this list; a page that is not here does not exist."""

from __future__ import annotations

from modelwright.ui.page import Page
from modelwright.ui.pages import (
    alerts,
    data,
    endpoints,
    features,
    ledger,
    lineage,
    models,
    monitors,
    overview,
    people,
    pipelines,
    rollout,
    runs,
    search,
    trace,
    version,
)

PAGES: tuple[Page, ...] = (
    Page("/", "models:read", overview.load),
    Page("/search", "models:read", search.load),
    Page("/data", "data:read", data.load_list),
    Page("/data/{name}", "data:read", data.load_newest),
    Page("/data/{name}/{version}", "data:read", data.load),
    Page("/features", "features:read", features.load_list),
    Page("/features/{name}", "features:read", features.load_newest),
    Page("/features/{name}/{version}", "features:read", features.load),
    Page("/pipelines", "pipelines:read", pipelines.load_list),
    Page("/pipelines/{name}", "pipelines:read", pipelines.load),
    Page("/executions/{execution_id}", "pipelines:read", pipelines.load_execution),
    Page("/runs", "runs:read", runs.load_list),
    Page("/runs/{run_id}", "runs:read", runs.load),
    Page("/models", "models:read", models.load_list),
    Page("/models/{name}", "models:read", models.load),
    Page("/models/{name}/{version}", "models:read", version.load),
    Page("/endpoints", "endpoints:read", endpoints.load_list),
    Page("/endpoints/{name}", "endpoints:read", endpoints.load),
    Page("/endpoints/{name}/rollout", "rollouts:read", rollout.load),
    Page("/rollouts/{id}", "rollouts:read", rollout.load_one),
    Page("/monitors", "monitors:read", monitors.load_list),
    Page("/monitors/{name}", "monitors:read", monitors.load),
    Page("/alerts", "alerts:read", alerts.load_list),
    Page("/alerts/{id}", "alerts:read", alerts.load),
    Page("/trace", "predictions:read", trace.load_search),
    Page("/trace/{id}", "predictions:read", trace.load),
    Page("/lineage", "lineage:read", lineage.load),
    Page("/ledger", "ledger:read", ledger.load_list),
    Page("/ledger/{seq}", "ledger:read", ledger.load),
    Page("/ledger/{seq}/receipt.tlog-proof", "ledger:read", ledger.load_receipt),
    Page("/people", "access:read", people.load),
    Page("/account", "self:read", people.load_account),
)
"""Each with the permission without which it is not shown."""
