"""Who may do what: users, groups, tokens and sessions, and the roles they hold in projects.

Login begins with the first user. Until then a home belongs to whoever can open its files or reaches its loopback port.
Names and secrets stay in these rows: the ledger knows a user by an opaque id, and a secret by nobody's.
"""
