"""What a policy is worth by a log that another policy made: one pure function an estimator, and what may be trusted of it."""
