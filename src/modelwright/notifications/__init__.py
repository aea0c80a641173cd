"""Telling people what happened: channels of a project, and what was sent through them.

- ``messages``: which entries of the ledger somebody wants to hear of, each as one sentence with a link.
- ``channels/``: how it is said by webhook, to Slack, by mail.
- ``courier``: takes entries from the ledger and sends them, at least once, whatever dies meanwhile.
- ``service``: adding, trying, pausing and removing channels.
"""
