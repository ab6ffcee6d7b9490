"""What docs/results.md reports: grids for `darlr sweep`, and the fair table."""
