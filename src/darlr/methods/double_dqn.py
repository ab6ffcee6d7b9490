"""Double DQN (van Hasselt, Guez and Silver, AAAI 2016): one network chooses the best next item, the other one values it.

    loss = huber(Q(s, a), r + gamma^n Q'(s', argmax over items of Q(s', .)))

The maximum over noisy values is biased upwards. Here the noise of Q' does not choose the item. The rest equals DQN.
"""

from torch import Tensor

from darlr.agents.offline.policy import Moments
from darlr.methods.dqn import DQN
from darlr.methods.replaying import REPLAY_SPACE, Replaying


class DoubleDQN(DQN):
    """DQN with another target."""

    def following(self, after: Moments, target: DQN) -> Tensor:
        return target.value_of(target.hidden(after), self.scores(after).argmax(dim=1))


DOUBLE_DQN = Replaying(
    name="double-dqn",
    summary="DQN whose next item is chosen by one network and valued by the other",
    source="van Hasselt et al., AAAI 2016",
    page="dqn.md#double-dqn",
    space=REPLAY_SPACE,
    build=lambda config, tracker, n_items, generator: DoubleDQN(config.policy, tracker, n_items, generator),
)
