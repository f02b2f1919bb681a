"""Know programs: which ones start others, which print what they are given, and which only take words as data."""
