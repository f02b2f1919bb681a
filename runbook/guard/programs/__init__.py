"""What is known of programs: which start others, which print what they are told, which only take words as data."""
