"""Where the house is put together: the unit of work, the workspace, the wiring of rooms."""
