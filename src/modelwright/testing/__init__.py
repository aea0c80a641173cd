"""Contract tests that third parties run against their own adapters and plugins: inherit, and say how to open one."""
