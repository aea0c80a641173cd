"""Commands for what was agreed, shown, signed and written down, and for people."""
