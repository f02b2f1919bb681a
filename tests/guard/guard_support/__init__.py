"""Share helpers for the guard's tests: homes to run it in, and shell lines written by hand and generated."""
