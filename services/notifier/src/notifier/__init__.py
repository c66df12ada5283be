"""Pushes to the devices of people who are not here."""
