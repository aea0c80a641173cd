"""The shelf of codecs: kinds of values that steps may hand on, one file each, each held to ``base.Codec``."""
