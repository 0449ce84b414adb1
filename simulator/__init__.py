"""LwM2M client devices for the demo, the tests and the benchmarks.

`board` has the running `Board`, `boards` and `outdoors` the tables of some, `blueprint` what a
table consists of, `events` what can be awaited.
"""
