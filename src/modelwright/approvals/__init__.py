"""Approvals: who is asked to sign a version, who signed what, and who may not because the work is theirs.

What a signature covers, and whether it counts, is ``governance.signoffs``; this room keeps requests and signatures.
"""
