"""Lineage: what came from what. A projection of events; nothing writes it but ``app.projections``."""
