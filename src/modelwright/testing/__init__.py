"""Contract tests of the shelves, for the variants of this house and of third parties: inherit, and give one variant."""
