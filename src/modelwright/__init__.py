"""Modelwright: from business question to governed production."""
