"""How passwords are kept."""

from django.conf import settings
from django.contrib.auth.hashers import Argon2PasswordHasher


class FrugalArgon2PasswordHasher(Argon2PasswordHasher):
    """
    Argon2id at OWASP's recommended cost (46 MiB, one pass, one lane) instead of Django's 100 MiB and eight lanes.

    Log-ins come in bursts: eight lanes each would keep all other requests waiting. Older hashes are
    verified as they were made and rewritten at the next log-in.
    """

    time_cost = settings.ARGON2_PASSES
    memory_cost = settings.ARGON2_MEMORY_KIB
    parallelism = settings.ARGON2_LANES
