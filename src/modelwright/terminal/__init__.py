"""What commands print, and the workspace they talk to."""
