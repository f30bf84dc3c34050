"""Sealing beside writers, slow transactions and other sealers; and what the running role may do."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction

from audit import chain, lineage, periodic
from audit.models import AuditEvent, Seal
from audit.sealing import CannotSeal, seal
from audit.states import Wrong
from audit.verifying import verify
from tests.support.race import count, errors, race

from .support import seal_all, unsealed, wait_for_horizon, write

pytestmark = pytest.mark.django_db(transaction=True)

INSERT = (
    "INSERT INTO audit_auditevent ({names}actor_kind, actor_id, actor_name, role, act, "
    "object_kind, object_id, about_id, market_code, reason, request_id) "
    "VALUES ({values}'system', '', '', '', 'test.slow', 'test', '1', '', '', '', '') RETURNING id"
)


@pytest.fixture
def other() -> Iterator[Any]:
    """A connection of its own to the test's database, outside of any transaction yet."""
    own = psycopg2.connect(**_parameters())
    yield own
    own.close()


def _parameters() -> dict[str, Any]:
    parameters = connection.get_connection_params()
    return {name: parameters[name] for name in ("dbname", "host", "port", "user", "password")
            if parameters.get(name)}  # fmt: skip


def _sealed_ids() -> list[int]:
    """Ids under all seals, in the order they were sealed in."""
    return [leaf.id for made in Seal.objects.order_by("number") for leaf in chain.leaves_of(made)]


def test_nothing_new_makes_no_seal() -> None:
    assert seal().seals == 0
    write(3)
    seal_all()
    made = Seal.objects.count()
    assert seal().seals == 0
    assert Seal.objects.count() == made


def test_a_full_seal_is_followed_by_another() -> None:
    ids = write(20)
    seal_all(rows=6)
    assert list(Seal.objects.order_by("number").values_list("rows", flat=True)) == [6, 6, 6, 2]
    assert _sealed_ids() == ids
    assert verify().finding is None


def test_a_slow_transaction_with_a_low_id_is_sealed_in_its_place(other: Any) -> None:
    cursor = other.cursor()
    cursor.execute(INSERT.format(names="", values=""))
    (slow,) = cursor.fetchone()
    later = write(3)
    assert later[0] > slow
    seal()
    # Nothing of what came after the slow transaction began is settled.
    assert not Seal.objects.exists()
    assert verify().unsealed == 3
    other.commit()
    seal_all()
    assert _sealed_ids() == [slow, *later]
    assert verify().finding is None


def test_the_control_without_the_horizon_seals_too_early(other: Any, settings: Any) -> None:
    cursor = other.cursor()
    cursor.execute(INSERT.format(names="", values=""))
    (slow,) = cursor.fetchone()
    write(3)
    settings.GUARDS_OFF = frozenset({"horizon"})
    assert seal().rows == 3
    other.commit()
    finding = verify().finding
    assert finding is not None
    assert (finding.wrong, finding.row) == (Wrong.INSERTED, slow)


def test_a_slow_transaction_with_a_high_id_is_sealed_in_its_place(other: Any) -> None:
    first = write(2)
    cursor = other.cursor()
    cursor.execute("SELECT pg_current_xact_id()")
    later = write(3)
    seal_until(2)
    cursor.execute(INSERT.format(names="", values=""))
    (slow,) = cursor.fetchone()
    assert slow > later[-1]
    other.commit()
    seal_all()
    assert _sealed_ids() == [*first, slow, *later]
    assert verify().finding is None


def seal_until(rows: int) -> None:
    """Seals until `rows` rows are sealed."""
    until = time.monotonic() + 60
    while len(_sealed_ids()) < rows:
        assert time.monotonic() < until
        seal()
    assert len(_sealed_ids()) == rows


def test_a_low_number_taken_early_is_sealed_in_its_place(other: Any) -> None:
    other.autocommit = True
    cursor = other.cursor()
    cursor.execute("SELECT nextval('audit_auditevent_id_seq')")
    (taken,) = cursor.fetchone()
    later = write(3)
    seal_all()
    cursor.execute(INSERT.format(names="id, ", values=f"{int(taken)}, "))
    seal_all()
    assert _sealed_ids() == [*later, taken]
    assert verify().finding is None


def test_a_transaction_given_up_leaves_no_hole(other: Any) -> None:
    cursor = other.cursor()
    cursor.execute(INSERT.format(names="", values=""))
    later = write(2)
    other.rollback()
    seal_all()
    assert _sealed_ids() == later
    assert verify().finding is None


def _write_or_seal(number: int) -> int:
    if number % 2:
        done = 0
        for _turn in range(30):
            done += seal(rows=5).rows
            time.sleep(0.01)
        return done
    for turn in range(25):
        with transaction.atomic():
            write(2, act=f"test.writer{number}")
            with connection.cursor() as cursor:
                # Transactions end in another order than they began in.
                cursor.execute("SELECT pg_sleep(%s)", [(number + turn) % 4 / 100])
    return 0


def test_sealing_beside_writers_leaves_nothing_out_and_nothing_twice() -> None:
    beside = 0
    # A transaction of another test that opens meanwhile holds every seal back until it ends.
    for _try in range(4):
        write(1)
        wait_for_horizon()
        answers = race(_write_or_seal, range(8))
        assert errors(answers) == []
        assert verify().finding is None
        beside = sum(value for _kind, value in answers)
        if beside:
            break
    assert beside > 0  # sealing went on while they wrote
    seal_all(rows=5)
    sealed = _sealed_ids()
    written = set(AuditEvent.objects.values_list("id", flat=True))
    assert len(sealed) == len(set(sealed)) == len(written)
    assert set(sealed) == written
    report = verify()
    assert report.finding is None
    assert (report.rows, report.unsealed) == (len(written), 0)


def _seal_once(_number: int) -> int:
    return seal().seals


def test_sealers_at_once_make_one_seal() -> None:
    write(3_000)
    wait_for_horizon()
    answers = race(_seal_once, range(8))
    assert errors(answers) == []
    assert sum(value for _kind, value in answers) == 1
    assert verify().finding is None
    assert unsealed() == 0


def test_the_control_without_the_lock_collides() -> None:
    """Even so nothing is sealed twice: the number is the key."""
    write(3_000)
    wait_for_horizon()
    answers = race(_seal_once, range(8), guards_off=["seal"])
    # A duplicate number for most; whoever came after the first seal was there finds it not its own.
    assert errors(answers)
    assert count(answers, "ok") >= 1
    assert Seal.objects.count() == 1
    assert verify().finding is None


def test_verifying_beside_sealers_and_writers_sees_one_moment() -> None:
    write(50)

    def work(number: int) -> str:
        if number:
            _write_or_seal(number)
            return ""
        for _turn in range(40):
            found = verify().finding
            if found is not None:
                return str(found)
        return ""

    answers = race(work, range(6))
    assert errors(answers) == []
    assert {value for _kind, value in answers} == {""}


def test_the_running_role_cannot_touch_a_seal() -> None:
    write(2)
    seal_all()
    call_command("grant_running_role", verbosity=0)
    own = psycopg2.connect(**{**_parameters(), "user": _running()})
    own.autocommit = True
    cursor = own.cursor()
    cursor.execute("SELECT count(*) FROM audit_seal, audit_sealhead")
    assert cursor.fetchone() == (Seal.objects.count(),)
    for statement in (
        "UPDATE audit_seal SET rows = rows",
        "DELETE FROM audit_seal",
        "TRUNCATE audit_seal",
        "ALTER TABLE audit_seal DISABLE TRIGGER ALL",
        "UPDATE audit_sealhead SET number = 0",
        "DELETE FROM audit_sealhead",
        "INSERT INTO audit_sealhead (id, number, hash) VALUES (2, 1, '')",
        "CREATE OR REPLACE FUNCTION audit_transaction(xid8) RETURNS bigint LANGUAGE sql "
        "AS 'SELECT 0::bigint'",
        INSERT.format(names="txid, ", values="0, "),
    ):
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            cursor.execute(statement)
    # And it can seal: the head is kept by a trigger with the owner's rights.
    cursor.execute(
        "INSERT INTO audit_seal SELECT number + 1, form, at, until_txid, until_id, until_txid, "
        "until_id, 0, digest, leaves, hash, hash, key_id, signature "
        "FROM audit_seal ORDER BY number DESC LIMIT 1"
    )
    cursor.execute("SELECT number FROM audit_sealhead")
    assert cursor.fetchone() == (Seal.objects.count(),)
    own.close()


def _running() -> str:
    from django.conf import settings

    return str(settings.RUNNING_ROLE)


def test_even_the_owner_is_refused_a_change_of_a_seal() -> None:
    write(1)
    seal_all()
    for statement in ("UPDATE audit_seal SET rows = 2", "DELETE FROM audit_seal"):
        with (
            pytest.raises(Exception, match="append only"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(statement)


def _base(number: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE OR REPLACE FUNCTION audit_transaction(xid8) RETURNS bigint "
            "LANGUAGE sql STABLE PARALLEL SAFE "
            f"AS $$ SELECT $1::text::bigint + {number} $$"
        )


def test_a_server_that_counts_from_the_beginning_goes_on() -> None:
    """A dump restored into a new server: its transactions are far behind those under seals."""
    try:
        _base(10**12)
        ids = write(3)
        seal_all()
        ids += write(2)  # in the dump, and not under a seal yet
        _base(0)
        with pytest.raises(CannotSeal, match="restored into another"):
            seal()
        assert "restored into another" in verify().notices[0]
        assert lineage.continue_after_restore()
        assert not lineage.continue_after_restore()
        ids += write(2)
        seal_all()
        assert _sealed_ids() == ids
        assert verify().finding is None
    finally:
        _base(0)


def test_beat_seals_and_leaves_a_checkpoint(tmp_path: Path, settings: Any) -> None:
    path = tmp_path / "checkpoints"
    settings.AUDIT_CHECKPOINT_FILE = str(path)
    write(4)
    wait_for_horizon()
    assert periodic.seal() == 4
    assert periodic.seal() == 0
    (line,) = path.read_text().splitlines()
    assert json.loads(line)["number"] == 1
    assert json.loads(line)["hash"] == bytes(Seal.objects.get().hash).hex()
    settings.AUDIT_CHECKPOINT_FILE = str(tmp_path / "no" / "folder")
    write(1)
    wait_for_horizon()
    assert periodic.seal() == 1  # sealed all the same; the log says that the file failed


def test_the_commands_say_what_they_did(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(CommandError, match="no seal yet"):
        call_command("seal_audit", checkpoint=tmp_path / "checkpoints")
    call_command("verify_audit")
    assert "no seal yet" in capsys.readouterr().out
    write(4)
    wait_for_horizon()
    call_command("seal_audit", checkpoint=tmp_path / "checkpoints")
    assert "4 rows sealed by 1 seals." in capsys.readouterr().out
    write(1)
    call_command("verify_audit")
    said = capsys.readouterr().out
    assert "holds: 4 sealed rows under 1 seals" in said
    assert "1 rows wait for their seal" in said
    with pytest.raises(CommandError, match="cannot be written"):
        call_command("seal_audit", checkpoint=tmp_path / "no" / "folder")
