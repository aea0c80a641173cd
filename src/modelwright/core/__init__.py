"""Words that every room shares: identifiers, time, errors, contracts, events, operations, the guard.

Nothing here knows a store, a network or a framework; the only dependency is msgspec.
"""
