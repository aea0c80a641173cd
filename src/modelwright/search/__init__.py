"""Search: what people look for, found by its name, its words, its id or its digest."""
