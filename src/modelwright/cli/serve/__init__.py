"""Commands for endpoints, what they answered, and how they fare."""
