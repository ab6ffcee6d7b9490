"""gymnasium's interface over a simulated world, for agents from outside: one environment, or many in one array."""
