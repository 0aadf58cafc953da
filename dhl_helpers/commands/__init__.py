"""The commands of `python -m dhl_helpers`: one module each, with `add_parser(subparsers)` and `main(args)`.

`main` returns the exit code, None for success. Modules whose name starts with an underscore are shared pieces.
"""
