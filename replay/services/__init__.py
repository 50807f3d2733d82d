"""What may be done with a history; one function per use case."""

from replay.services.hands import Hands, OwnHands, Progress
from replay.services.processes import many_hands
from replay.services.run import replay_history
from replay.services.verify import verify_import

__all__ = ["Hands", "OwnHands", "Progress", "many_hands", "replay_history", "verify_import"]
