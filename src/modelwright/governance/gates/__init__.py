"""The gates shelf: one check per file."""
