"""The flavours shelf: how a kind of model becomes bytes, and bytes a predictor again. One file each."""
