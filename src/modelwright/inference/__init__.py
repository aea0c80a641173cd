"""What runs inside an inference worker: from the socket to the prediction log, and nothing else.

No database, no pandas, no secrets.

A request passes ``asgi`` (the gate, the body), ``handler`` (which path means what), a codec (``oip`` or
``invocations``), ``rows`` (the contract), ``batching`` (one predict call for what arrived together), ``scoring`` (the
model, the log) and back. ``router`` holds what is live, ``watch`` replaces it.
"""
