"""Settings of the policy that believes what users tell it."""

from dataclasses import dataclass

from darlr.config.checks import require


@dataclass(frozen=True)
class BeliefConfig:
    """How feedback is believed, and what is learned beside."""

    noise_levels: tuple[float, ...] = (1 / 64, 1 / 8, 1.0)  # shares of the log's noise that a user may have
    distrust: float = 1000.0  # a further such share, for users whom the model cannot explain; 0: none
    actor_learning_rate: float = 0.1  # of log beta and lambda, two numbers; the critic's is a2c.learning_rate
    critic_size: int = 64  # hidden units of the critic

    def __post_init__(self) -> None:
        require(
            len(self.noise_levels) >= 1 and all(0 < level <= 1 for level in self.noise_levels),
            "belief.noise_levels",
            self.noise_levels,
            "one or more shares above 0 and up to 1",
        )
        require(self.distrust == 0 or self.distrust > 1, "belief.distrust", self.distrust, "above 1, or 0")
        require(self.actor_learning_rate > 0, "belief.actor_learning_rate", self.actor_learning_rate, "above 0")
        require(self.critic_size >= 1, "belief.critic_size", self.critic_size, "at least 1")

    @property
    def believed_levels(self) -> tuple[float, ...]:
        """All levels that a belief weighs; the posterior world draws from `noise_levels` alone."""
        return (*self.noise_levels, self.distrust) if self.distrust else self.noise_levels
