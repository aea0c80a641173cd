"""Flows that span rooms: evaluating a version, tracing a prediction to its bytes, the state of a home."""
