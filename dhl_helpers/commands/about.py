"""`about`: what a bug report needs to know of a machine. Nothing personal, no paths."""

import os
import platform

from ..course import versions


def add_parser(subparsers):
    return subparsers.add_parser("about", help="print this machine and the versions in use, for a bug report")


def main(args):
    """Print a line a fact."""
    import psutil

    facts = {
        "system": platform.platform(),
        "processor": platform.machine(),
        "cores": os.cpu_count(),
        "memory": f"{psutil.virtual_memory().total / 1e9:.1f} GB",
    }
    for name, value in (facts | versions()).items():
        print(f"{name:18}{value}")
