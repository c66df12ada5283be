"""Not here yet: who is here."""
