"""Assurance: what answers is judged again and again, and what somebody did against the gates is undone in time."""
