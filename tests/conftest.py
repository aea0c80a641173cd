"""For every test."""

import signal

# A shell that starts the tests in the background ignores SIGINT for them and for all that they start; tests of Ctrl-C
# send it to their children. A child inherits what is ignored, but not what is handled.
signal.signal(signal.SIGINT, signal.default_int_handler)
