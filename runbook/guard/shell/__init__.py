"""Shell text: read it, expand it, and follow every way it may go."""
