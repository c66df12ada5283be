"""The sockets: streams the events of rooms to clients."""
