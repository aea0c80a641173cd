"""One file per explainer; the file's name is its registered name."""
