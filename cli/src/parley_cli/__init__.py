"""The command `parley`: everything on one machine, and tools for what runs elsewhere."""
