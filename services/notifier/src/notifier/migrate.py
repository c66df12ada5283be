"""The schema `notifier`, and the role that works in it."""

from chassis.migrations import Schema

SCHEMA = Schema("notifier", role="parley_notifier")
