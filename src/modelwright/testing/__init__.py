"""Contract tests for third parties: subclass one, give it a fixture, and your variant is held to its law."""
