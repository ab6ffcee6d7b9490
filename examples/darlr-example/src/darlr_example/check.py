"""Checks everything in this package against darlr's contracts; for pytest, put each line into a test. Takes a minute or two."""

from darlr.rewards.kinds import REWARDS
from darlr.testing import check_method, check_opponent, check_reader, check_reward, check_tracker
from darlr_example import dataset, method, opponent, tracker


def main() -> None:
    check_tracker(tracker.DecayingTracker)
    check_reward(REWARDS["cautious"])
    check_opponent(opponent.most_rated)
    check_reader(dataset.ISLANDS)
    check_method(method.VANILLA_PG, {"vanilla_pg": {"learning_rate": 0.03, "discount": 0.0}})
    print("all checks passed")


if __name__ == "__main__":
    main()
