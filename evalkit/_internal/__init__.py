"""What every room needs and no user sees.

In and out: components by name, files that are written whole, digests, TOML tables, threads, this process.
"""
