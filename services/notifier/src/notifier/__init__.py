"""Not here yet: pushes to people who are not here."""
