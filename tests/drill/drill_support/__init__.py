"""What the tests of drills share: sandboxes, scratch databases, and mistakes to plant in the book."""
