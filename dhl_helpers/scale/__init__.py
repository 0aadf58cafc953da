"""What large data sets need: images that stay on disk, features in files, engines, a head on features in pieces.

Nothing here is loaded before it is used.
"""
