"""A complete LwM2M server; imports nothing of Home Assistant."""
