"""How a message is said: one file for each kind of channel."""
