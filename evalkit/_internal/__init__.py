"""What every room needs and no user sees.

In: names of components, text to write, TOML files. Out: modules found by name, files written whole, digests, tables.
"""
