"""What the tests of the guard share: homes to run it in, and shell lines written by hand and by machine."""
