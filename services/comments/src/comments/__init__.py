"""The only writer of comments: commands in, events appended to the log, history out."""
