"""Read shell text, expand it, and follow every path that it may take."""
