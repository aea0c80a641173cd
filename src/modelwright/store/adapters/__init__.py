"""Adapters: one file per way to keep something."""
