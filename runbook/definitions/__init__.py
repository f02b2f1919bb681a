"""Read the definitions of a database's objects from its migrations, and restore an earlier one."""
