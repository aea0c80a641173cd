"""The remote client: carries operations to a server over HTTP. It is handed the operation table and knows no room."""
