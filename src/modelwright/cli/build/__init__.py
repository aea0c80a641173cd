"""Commands for data, features, pipelines, runs and models."""
