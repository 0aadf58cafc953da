"""The one error of the course that a reader can mend."""


class DataError(ValueError):
    """What was given to the course cannot be used; the message says which file or column, what is wrong, what to do."""


def listing(items, most=100):
    """Join `items` for an error message: one a line, and a count of those beyond `most`."""
    lines = [f"  {item}" for item in items[:most]]
    if len(items) > most:
        lines.append(f"  ... and {len(items) - most} more")
    return "\n".join(lines)
