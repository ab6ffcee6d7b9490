"""Those who choose: the learning agents and the static policies that any of them has to beat."""
