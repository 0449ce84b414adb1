"""LwM2M client devices for the demo, the tests and the benchmarks.

`board` has the running `Board`, `boards` the tables of five of them, `blueprint` what a table
consists of, `events` what can be awaited.
"""
