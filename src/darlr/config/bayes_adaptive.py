"""Settings of the policy that believes what users tell it."""

from dataclasses import dataclass

from darlr.config.checks import require


@dataclass(frozen=True)
class BeliefConfig:
    """How feedback is believed, and what values the state."""

    noise_levels: tuple[float, ...] = (1 / 64, 1 / 16, 1 / 4, 1.0)  # shares of the log's noise that a user may have
    critic_size: int = 64  # hidden units of the critic

    def __post_init__(self) -> None:
        require(
            len(self.noise_levels) >= 1 and all(0 < level <= 1 for level in self.noise_levels),
            "belief.noise_levels",
            self.noise_levels,
            "one or more shares above 0 and up to 1",
        )
        require(self.critic_size >= 1, "belief.critic_size", self.critic_size, "at least 1")
