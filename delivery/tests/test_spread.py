import itertools

from delivery import spread


def test_every_try_is_followed_by_a_longer_pause_until_the_last() -> None:
    pauses = [spread.pause_after(tries) for tries in range(1, spread.TRIES + 1)]
    assert pauses[-1] is None
    seconds = [pause.total_seconds() for pause in pauses if pause is not None]
    assert len(seconds) == spread.TRIES - 1
    assert 3.4 < seconds[0] <= 5
    assert all(later > earlier for earlier, later in itertools.pairwise(seconds[:6]))


def test_all_pauses_together_stay_below_thirteen_minutes() -> None:
    for _ in range(50):
        total = sum(
            pause.total_seconds()
            for tries in range(1, spread.TRIES)
            if (pause := spread.pause_after(tries)) is not None
        )
        assert total <= 13 * 60


def test_pauses_are_spread() -> None:
    assert len({spread.pause_after(4) for _ in range(30)}) == 30
