"""What migrations say about a database's objects: their definitions, and how an earlier one goes back."""
