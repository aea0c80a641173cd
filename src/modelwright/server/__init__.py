"""The control plane over HTTP: one gate before everything, REST made from the operation table, pages mounted."""
