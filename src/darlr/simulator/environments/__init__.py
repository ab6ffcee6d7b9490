"""gymnasium's interface to a simulated world, for agents from outside: one environment, or many in one array."""
