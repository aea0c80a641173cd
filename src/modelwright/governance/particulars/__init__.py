"""Whom a charter concerns, and when: the parts by which nothing is judged."""
