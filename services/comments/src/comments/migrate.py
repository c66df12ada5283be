"""The schema `comments`, and the role that can add to the log and not change it."""

from chassis.migrations import Schema

SCHEMA = Schema("comments", role="parley_comments")
