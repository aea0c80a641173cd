"""The one way out: every request that the server sends to somebody else goes through here.

- ``rules``: where it may go. The operator says it, in ``MODELWRIGHT_EGRESS``; no project and no client does.
- ``dial``: one look at the name, and a connection to an address that was checked; TLS, a time limit.
- ``ask``: one HTTP request over it, without redirects, with a limit to the answer.
- ``mail``: one message by SMTP over it.
"""
