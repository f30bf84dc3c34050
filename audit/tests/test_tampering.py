"""Whatever the owner of the database does to a sealed trail is found, and the row is named.

The owner switches the guards off first, which needs no trick: it is what being the owner means.
"""

import datetime as dt
import re
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from audit import chain, checkpoints
from audit.checkpoints import Checkpoints
from audit.keys import sign
from audit.models import AuditEvent, Seal, SealHead
from audit.sealing import CannotSeal, seal
from audit.states import Wrong
from audit.verifying import Report, verify

from .support import owning, seal_all, tamper, write

pytestmark = pytest.mark.django_db(transaction=True)

# For each column another value than any row of the test has.
CHANGES = {
    "id": "id + 1000000",
    "at": "at + interval '1 microsecond'",
    "actor_kind": "'staff'",
    "actor_id": "'7'",
    "actor_name": "'Somebody'",
    "role": "'finance'",
    "act": "'test.other'",
    "object_kind": "'other'",
    "object_id": "'77'",
    "about_id": "'7'",
    "market_code": "'MX'",
    "before": "NULL",
    "after": "jsonb_set(after, '{n}', '99')",
    "reason": "reason || ' '",
    "request_id": "'other'",
    "txid": "txid - 1",
}


@pytest.fixture
def rows() -> list[int]:
    """Twenty-five rows of five transactions under four seals of at most seven rows."""
    made = [row for _transaction in range(5) for row in write(5)]
    seal_all(rows=7)
    assert list(Seal.objects.order_by("number").values_list("rows", flat=True))[:3] == [7, 7, 7]
    return made


def _found(wrong: Wrong, row: int | None = None, seal: int | None = None) -> Report:
    report = verify()
    assert report.finding is not None
    assert report.finding.wrong == wrong, str(report.finding)
    if row is not None:
        assert report.finding.row == row, str(report.finding)
    if seal is not None:
        assert report.finding.seal == seal, str(report.finding)
    return report


def test_an_untouched_trail_holds(rows: list[int]) -> None:
    report = verify()
    assert report.finding is None
    assert (report.rows, report.seals, report.unsealed) == (25, 4, 0)
    assert report.complete
    out = StringIO()
    call_command("verify_audit", stdout=out)
    assert "holds: 25 sealed rows under 4 seals" in out.getvalue()
    assert "No row waits for its seal." in out.getvalue()


def test_every_column_is_covered() -> None:
    names = {field.column for field in AuditEvent._meta.concrete_fields}
    assert set(CHANGES) == names
    covered = {
        re.sub(r"^extract\(epoch FROM (\w+)\)|::text", r"\1", text) for text in chain.COLUMNS
    }
    assert covered == names - {"id", "txid"}  # which a leaf begins with


@pytest.mark.parametrize("column", CHANGES)
def test_an_altered_column_is_found(rows: list[int], column: str) -> None:
    victim = rows[11]
    change = f"{column} = {CHANGES[column]}"
    tamper(f"UPDATE audit_auditevent SET {change} WHERE id = %s", [victim])  # noqa: S608
    match column:
        case "id":
            # Its place is empty, and it stands where nothing stood: after its whole transaction.
            report = _found(Wrong.DELETED, victim, 2)
        case "txid":
            report = _found(Wrong.REORDERED, victim, 2)
        case _:
            report = _found(Wrong.ALTERED, victim, 2)
    assert report.rows <= 11
    with pytest.raises(CommandError, match=rf"does not hold\. row {victim}\b"):
        call_command("verify_audit")


@pytest.mark.parametrize("place", [0, 6, 7, 11, 24])
def test_an_altered_row_is_found_wherever_it_is(rows: list[int], place: int) -> None:
    tamper("UPDATE audit_auditevent SET reason = 'x' WHERE id = %s", [rows[place]])
    report = _found(Wrong.ALTERED, rows[place], place // 7 + 1)
    assert report.finding is not None
    assert report.finding.act == "test.done"


def test_a_missing_value_is_not_a_json_null(rows: list[int]) -> None:
    tamper("UPDATE audit_auditevent SET before = NULL WHERE id = %s", [rows[3]])
    _found(Wrong.ALTERED, rows[3])
    tamper("UPDATE audit_auditevent SET before = 'null' WHERE id = %s", [rows[3]])
    _found(Wrong.ALTERED, rows[3])


@pytest.mark.parametrize("place", [0, 7, 12, 23])
def test_a_deleted_row_is_found(rows: list[int], place: int) -> None:
    tamper("DELETE FROM audit_auditevent WHERE id = %s", [rows[place]])
    _found(Wrong.DELETED, rows[place], place // 7 + 1)


def _forge(row: int, txid: str) -> None:
    tamper(
        "INSERT INTO audit_auditevent (id, txid, actor_kind, actor_id, actor_name, role, act, "  # noqa: S608
        "object_kind, object_id, about_id, market_code, reason, request_id) VALUES "
        f"(%s, {txid}, 'system', '', '', '', 'test.forged', 'test', '1', '', '', '', '')",
        [row],
    )


@pytest.mark.parametrize("place", [0, 7, 12, 24])
def test_a_row_put_among_sealed_ones_is_found(rows: list[int], place: int) -> None:
    txid = AuditEvent.objects.values_list("txid", flat=True).get(pk=rows[place])
    _forge(1_000_000, str(txid))
    report = _found(Wrong.INSERTED, 1_000_000)
    assert report.finding is not None
    assert report.finding.act == "test.forged"


@pytest.mark.parametrize("txid", ["0", "-1"])
def test_a_row_put_before_all_others_is_found(rows: list[int], txid: str) -> None:
    _forge(1_000_000, txid)
    _found(Wrong.INSERTED, 1_000_000, 1)


def test_a_row_in_the_place_of_a_deleted_one_is_found(rows: list[int]) -> None:
    txid = AuditEvent.objects.values_list("txid", flat=True).get(pk=rows[9])
    tamper("DELETE FROM audit_auditevent WHERE id = %s", [rows[9]])
    _forge(rows[9], str(txid))
    _found(Wrong.ALTERED, rows[9], 2)


def test_a_row_of_a_transaction_to_come_is_found(rows: list[int]) -> None:
    _forge(rows[-1] + 1, "audit_transaction(pg_current_xact_id()) + 1000000")
    _found(Wrong.INSERTED, rows[-1] + 1)


def test_a_row_with_a_number_nobody_was_given_is_found(rows: list[int]) -> None:
    _forge(1_000_000, "audit_transaction(pg_current_xact_id())")
    _found(Wrong.INSERTED, 1_000_000)


def test_contents_that_changed_places_are_found(rows: list[int]) -> None:
    one, other = rows[8], rows[10]
    columns = ", ".join(name for name in CHANGES if name not in {"id", "txid"})
    with owning() as cursor:
        for row, source in ((one, other), (other, one)):
            cursor.execute(
                f"CREATE TEMP TABLE kept_{row} AS SELECT {columns} FROM audit_auditevent "  # noqa: S608
                "WHERE id = %s",
                [source],
            )
        for row in (one, other):
            cursor.execute(
                f"UPDATE audit_auditevent SET ({columns}) = (SELECT {columns} FROM kept_{row}) "  # noqa: S608
                "WHERE id = %s",
                [row],
            )
            cursor.execute(f"DROP TABLE kept_{row}")
    report = _found(Wrong.REORDERED, one, 2)
    assert report.finding is not None
    assert f"row {other}" in report.finding.detail


def test_ids_that_changed_places_are_found(rows: list[int]) -> None:
    one, other = rows[8], rows[9]
    with owning() as cursor:
        for row, to in ((one, -1), (other, one), (-1, other)):
            cursor.execute("UPDATE audit_auditevent SET id = %s WHERE id = %s", [to, row])
    _found(Wrong.REORDERED, one, 2)


def test_transactions_that_changed_places_are_found(rows: list[int]) -> None:
    # Rows 5 to 9 and 10 to 14 are two transactions: neither a row nor a number is new.
    first, second = (
        AuditEvent.objects.values_list("txid", flat=True).get(pk=rows[n]) for n in (5, 10)
    )
    tamper(
        "UPDATE audit_auditevent SET txid = CASE txid WHEN %s THEN %s ELSE %s END "
        "WHERE txid IN (%s, %s)",
        [first, second, first, first, second],
    )
    _found(Wrong.REORDERED, rows[5], 1)


@pytest.mark.parametrize("count", [1, 4, 12])
def test_a_trail_cut_at_its_end_is_found(rows: list[int], count: int) -> None:
    tamper("DELETE FROM audit_auditevent WHERE id >= %s", [rows[-count]])
    report = _found(Wrong.TRUNCATED, rows[-count])
    assert report.finding is not None
    assert f"{count} rows" in report.finding.detail


def test_a_trail_cut_at_its_beginning_is_found(rows: list[int]) -> None:
    tamper("DELETE FROM audit_auditevent WHERE id <= %s", [rows[9]])
    _found(Wrong.DELETED, rows[0], 1)


def test_an_emptied_trail_is_found(rows: list[int]) -> None:
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE audit_auditevent")
    report = _found(Wrong.TRUNCATED, rows[0], 1)
    assert report.finding is not None
    assert "25 rows" in report.finding.detail


# --- The seals themselves


SEAL_CHANGES = {
    "number": "number + 100",
    "form": "form + 1",
    "at": "at + interval '1 second'",
    "from_txid": "from_txid - 1",
    "from_id": "from_id - 1",
    "until_txid": "until_txid + 1",
    "until_id": "until_id + 1",
    "rows": "rows + 1",
    "digest": "sha256(digest)",
    "leaves": "leaves || leaves",
    "previous": "sha256(previous)",
    "hash": "sha256(hash)",
    "key_id": "'other'",
    "signature": "sha512(signature)",
}


@pytest.mark.parametrize("column", SEAL_CHANGES)
@pytest.mark.parametrize("number", [1, 3, 4])
def test_an_altered_seal_is_found(rows: list[int], column: str, number: int) -> None:
    assert set(SEAL_CHANGES) == {field.column for field in Seal._meta.concrete_fields}
    change = f"{column} = {SEAL_CHANGES[column]}"
    tamper(f"UPDATE audit_seal SET {change} WHERE number = %s", [number])  # noqa: S608
    report = verify()
    assert report.finding is not None
    assert report.finding.seal == number
    wrong = Wrong.SIGNATURE if column == "signature" else Wrong.SEAL
    assert report.finding.wrong == wrong, str(report.finding)


@pytest.mark.parametrize("number", [1, 2, 4])
def test_a_deleted_seal_is_found(rows: list[int], number: int) -> None:
    tamper("DELETE FROM audit_seal WHERE number = %s", [number])
    _found(Wrong.TRUNCATED if number == 4 else Wrong.SEAL, seal=number)
    if number == 4:
        # Whoever seals next does not paint over it.
        write(1)
        with pytest.raises(CannotSeal, match="missing at the end"):
            seal()


def test_no_seal_left_is_found(rows: list[int]) -> None:
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE audit_seal")
    _found(Wrong.TRUNCATED, seal=1)


def test_seals_that_changed_places_are_found(rows: list[int]) -> None:
    with owning() as cursor:
        for number, to in ((2, -1), (3, 2), (-1, 3)):
            cursor.execute("UPDATE audit_seal SET number = %s WHERE number = %s", [to, number])
    _found(Wrong.SEAL, seal=2)


def _rewrite(number: int, key: Callable[[Seal], bytes]) -> None:
    """What a careful forger does: every seal from `number` on made anew over what is there."""
    previous = Seal.objects.filter(number=number - 1).values_list("hash", flat=True).first()
    for made in Seal.objects.filter(number__gte=number).order_by("number"):
        with connection.cursor() as cursor:
            cursor.execute(
                f"{chain.LEAVES} WHERE (txid, id) >= (%s, %s) AND (txid, id) < (%s, %s) "
                f"{chain.ORDER}",
                [made.from_txid, made.from_id, made.until_txid, made.until_id],
            )
            leaves = [bytes(leaf) for (leaf,) in cursor.fetchall()]
        made.rows = len(leaves)
        made.digest = chain.digest_of(leaves)
        made.leaves = b"".join(leaf[: chain.LEAF] for leaf in leaves)
        made.previous = bytes(previous) if previous else chain.NOTHING
        made.hash = chain.hash_of(made)
        made.signature = key(made)
        with owning():
            made.save(force_update=True)
        previous = made.hash
    SealHead.objects.update(hash=previous)


def test_seals_made_anew_with_another_key_are_found(rows: list[int], settings: Any) -> None:
    tamper("UPDATE audit_auditevent SET reason = 'x' WHERE id = %s", [rows[9]])
    ours = settings.AUDIT_SEAL_KEYS
    (key_id,) = ours
    settings.AUDIT_SEAL_KEYS = {key_id: bytes(32)}
    _rewrite(2, lambda made: sign(made.key_id, bytes(made.hash)))
    settings.AUDIT_SEAL_KEYS = ours
    _found(Wrong.SIGNATURE, seal=2)
    # The control: with the key itself nothing shows. That is why it is guarded, and why a
    # checkpoint elsewhere is worth having.
    _rewrite(2, lambda made: sign(made.key_id, bytes(made.hash)))
    assert verify().finding is None


def test_a_key_nobody_knows_is_found(rows: list[int], settings: Any) -> None:
    settings.AUDIT_SEAL_KEYS = {"other": bytes(32)}
    report = _found(Wrong.SIGNATURE, seal=1)
    assert report.finding is not None
    assert "unknown key" in report.finding.detail


def test_an_old_key_checks_what_it_signed(rows: list[int], settings: Any) -> None:
    out = StringIO()
    call_command("seal_audit", public_keys=True, stdout=out)
    old, _mark, public = out.getvalue().strip().partition(":")
    settings.AUDIT_SEAL_KEYS = {"new": bytes(range(32))}
    settings.AUDIT_SEAL_OLD_KEYS = {old: bytes.fromhex(public)}
    write(3)
    seal_all()
    assert verify().finding is None
    keys = set(Seal.objects.values_list("key_id", flat=True))
    assert keys == {old, "new"}


# --- The end of the trail, and checkpoints outside of the database


def _cut(rows: list[int], number: int) -> None:
    """Removes the newest rows, their seals and what counted them, as only a careful owner does."""
    last = Seal.objects.get(number=number)
    tamper(
        "DELETE FROM audit_auditevent WHERE (txid, id) >= (%s, %s)",
        [last.until_txid, last.until_id],
    )
    tamper("DELETE FROM audit_seal WHERE number > %s", [number])
    _found(Wrong.TRUNCATED, seal=number + 1)
    SealHead.objects.update(number=number, hash=bytes(last.hash))


def test_a_checkpoint_finds_what_was_cut_with_its_seals(rows: list[int], tmp_path: Path) -> None:
    path = tmp_path / "checkpoints"
    call_command("seal_audit", checkpoint=path, stdout=StringIO())
    out = StringIO()
    call_command("verify_audit", checkpoint=path, stdout=out)
    assert "1 checkpoints hold." in out.getvalue()
    _cut(rows, 2)
    assert verify().finding is None  # the control: nothing in the database tells
    report = verify(checkpoints=Checkpoints(path))
    assert report.finding is not None
    assert (report.finding.wrong, report.finding.seal) == (Wrong.TRUNCATED, 4)
    # Sealing anew over what comes next does not hide it either.
    for _more in range(2):
        write(7)
        seal_all()
    with pytest.raises(CommandError, match=r"seal 4: seal: .* written anew"):
        call_command("verify_audit", checkpoint=path)


def test_a_checkpoint_that_was_altered_is_found(rows: list[int], tmp_path: Path) -> None:
    path = tmp_path / "checkpoints"
    checkpoints.append(path)
    text = path.read_text()
    true = Seal.objects.values_list("hash", flat=True).get(number=4)
    path.write_text(text.replace(bytes(true).hex(), "ab" * 32))
    report = verify(checkpoints=Checkpoints(path))
    assert report.finding is not None
    assert report.finding.wrong == Wrong.CHECKPOINT
    path.write_text(text + "not a line of ours\n")
    with pytest.raises(CommandError, match="line 2 cannot be read"):
        call_command("verify_audit", checkpoint=path)
    with pytest.raises(CommandError, match="No such file"):
        call_command("verify_audit", checkpoint=tmp_path / "none")


def test_everything_gone_leaves_a_question(rows: list[int]) -> None:
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE audit_auditevent, audit_seal, audit_sealhead")
    report = verify()
    assert report.finding is None
    assert "row numbers were given out" in report.notices[0]


def test_unsealed_rows_are_counted(rows: list[int]) -> None:
    write(3)
    report = verify()
    assert report.finding is None
    assert report.unsealed == 3
    assert report.unsealed_age is not None
    assert report.unsealed_age < dt.timedelta(minutes=5)


def test_the_newest_part_alone_can_be_checked(rows: list[int]) -> None:
    tamper("UPDATE audit_auditevent SET reason = 'x' WHERE id = %s", [rows[0]])
    part = verify(newest_rows=5)
    assert part.finding is None
    assert (part.first_seal, part.seals) == (3, 2)
    assert verify(newest_rows=25).finding is not None
    tamper("DELETE FROM audit_seal WHERE number = 2")
    part = verify(newest_rows=5)
    assert part.finding is not None
    assert (part.finding.wrong, part.finding.seal) == (Wrong.SEAL, 2)


def test_the_session_does_not_change_the_bytes(rows: list[int]) -> None:
    tamper(
        'UPDATE audit_auditevent SET after = \'{"x": 0.10, "y": 1e400}\' WHERE id = %s', [rows[0]]
    )

    def leaves() -> list[bytes]:
        with connection.cursor() as cursor:
            cursor.execute(chain.LEAVES + chain.ORDER)
            return [bytes(leaf) for (leaf,) in cursor.fetchall()]

    plain = leaves()
    with connection.cursor() as cursor:
        try:
            cursor.execute("SET TimeZone = 'America/Bogota'")
            cursor.execute("SET DateStyle = 'German'")
            cursor.execute("SET IntervalStyle = 'sql_standard'")
            cursor.execute("SET extra_float_digits = -15")
            cursor.execute("SET bytea_output = 'escape'")
            cursor.execute("SET client_encoding = 'LATIN1'")
            cursor.execute("SELECT at::text FROM audit_auditevent LIMIT 1")
            assert "." in cursor.fetchone()[0][:3]  # the settings are in force
            assert leaves() == plain
        finally:
            connection.close()


def test_verification_ends_in_its_time(rows: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("audit.verifying._LOOK", 10)
    report = verify(seconds=0.05)
    assert report.complete
    monkeypatch.setattr("audit.verifying.time.monotonic", iter(range(100)).__next__)
    report = verify(seconds=1)
    assert not report.complete
    assert report.rows == 10


def test_a_statement_too_slow_for_its_time_is_no_fault(
    rows: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = chain.LEAVES.replace("SELECT ", "SELECT (pg_sleep(1)::text || '')::bytea || ", 1)
    monkeypatch.setattr("audit.verifying.chain.LEAVES", slow)
    report = verify(seconds=0.2)
    assert not report.complete
    assert report.finding is None
