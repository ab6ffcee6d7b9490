"""Generated files in the formats in which data sets are published, with known content.

There is one module for each format. It has sizes (`TINY` for tests, `FULL` with the published counts for benchmarks) and a
`write_...` that returns the planted content. The same size and seed give the same bytes.
"""
