"""Files in the formats in which data sets are published, generated, with everything that stands in them known.

One module a format; each has sizes (`TINY` for tests, `FULL` with the published counts for benchmarks) and a `write_...` that
returns what was planted. The same size and seed give the same bytes.
"""
