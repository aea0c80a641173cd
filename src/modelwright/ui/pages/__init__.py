"""One file per page: what it reads, and what it makes of it."""
