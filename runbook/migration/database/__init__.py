"""Compare migrations with one database: its history, its objects, the size of its tables, and who uses them now."""
