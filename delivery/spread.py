"""When a try that was not accepted is made again: doubling pauses with jitter, bounded in number.

Nine tries over at most twelve minutes of pauses, so that a message is sent or failed within about
a quarter of an hour and a mail server that comes back is not met by everybody at once.
"""

import datetime as dt
import random

TRIES = 9
FIRST_SECONDS = 5.0
LONGEST_SECONDS = 200.0
# A pause is between this share and all of its nominal length.
LEAST_SHARE = 0.7
# An unknown outcome waits this long before its one resend: a receipt may still arrive.
UNKNOWN_SECONDS = 20.0

_random = random.SystemRandom()


def _jittered(seconds: float) -> dt.timedelta:
    return dt.timedelta(seconds=seconds * _random.uniform(LEAST_SHARE, 1.0))


def pause_after(tries: int) -> dt.timedelta | None:
    """The pause after this many tries; None when there is no further one."""
    if tries >= TRIES:
        return None
    return _jittered(min(LONGEST_SECONDS, FIRST_SECONDS * 2 ** (tries - 1)))


def pause_when_unknown() -> dt.timedelta:
    """The pause before the one resend of an unknown outcome."""
    return _jittered(UNKNOWN_SECONDS)
