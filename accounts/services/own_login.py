"""What is never done through a link."""

from accounts.actor import Actor


def ensure_own_login(actor: Actor) -> None:
    """
    What services say again that views have marked (`own_login`): they are called from elsewhere too.

    :raises OwnLoginRequired: the actor acts through a link.
    """
    actor.ensure_own_login()
