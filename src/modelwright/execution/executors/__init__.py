"""Where steps run: ``inline`` in the process itself, ``processes`` in a few processes of their own."""
