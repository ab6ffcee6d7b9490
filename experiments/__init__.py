"""The experiments behind docs/results.md: grids for `darlr sweep`, and the fair table."""
