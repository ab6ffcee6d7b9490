"""Building blocks of agents: state trackers and their encoder."""
