"""What the end-to-end tests stand on: servers, clients, and an origin that misbehaves on command."""
