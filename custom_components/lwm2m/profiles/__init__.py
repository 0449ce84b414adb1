"""Device profiles: what is known of a kind of board, in a file instead of in code."""
