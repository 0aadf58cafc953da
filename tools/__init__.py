"""What only maintainers run, from the root of a clone: `python -m tools.NAME`."""
