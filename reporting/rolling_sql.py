"""The one recount of source rows into days, as SQL: what rolling stores and what "live" adds.

Both recounts read a relation `day (date, starts, ends)` of local dates with their UTC bounds and
give one row for each agent, day and cell of the mix. Amounts are minor units. Every figure is dated
by its event, so a day is final but for what is written into it late, and for the clocks of its open
cases, which run out without anybody writing: they are judged at the moment `now` of the call.
"""

ISSUANCE_KEYS = (
    "staff",
    "team",
    "location",
    "category",
    "severity",
    "channel",
    "kind",
    "is_statutory",
)
CASE_KEYS = ISSUANCE_KEYS[:6]

ISSUANCE_MEASURES = (
    "issued",
    "issued_face",
    "issued_expected",
    "approved",
    "reissued",
    "voided",
    "voided_face",
    "redeemed",
    "redeemed_value",
    "reversed",
    "reversed_value",
    "expired",
    "expired_value",
    "requested",
    "requested_face",
    "rejected",
    "withdrawn",
    "lapsed",
)
CASE_MEASURES = (
    "cases",
    "compensated",
    "seconds_to_compensation",
    "resolved",
    "breached",
    "met",
    "running",
    "imported",
    "imported_compensated",
)

_REFERENCES = frozenset({"staff", "team", "location", "category"})


def column(key: str) -> str:
    """The rollup's column of a key."""
    return f"{key}_id" if key in _REFERENCES else key


def columns(keys: tuple[str, ...]) -> str:
    return ", ".join(column(key) for key in keys)


# The days of a call, by arrays: `common.windows` says where a local day begins, nobody else.
DAYS = """SELECT * FROM unnest(
    %(dates)s::date[], %(starts)s::timestamptz[], %(ends)s::timestamptz[]
) AS given (date, starts, ends)"""

# A coupon that expires loses what was left on it; its balance stays in the row.
# A request has its first approval from its own transaction, so the few approvals near a day lead
# to the requests of it: no index on the creation of every compensation.
# Day by day, then by key: the planner cannot know how few rows lie between bounds that come from a
# relation, and would join with the whole of history. An OFFSET keeps a subquery as it is written.
_EVENTS = """
    SELECT day.date, 'issued' AS event, given.id, given.face_minor AS minor
    FROM day CROSS JOIN LATERAL (
        SELECT id, face_minor FROM compensations_compensation
        WHERE market_id = %(market)s AND issued_at >= day.starts AND issued_at < day.ends OFFSET 0
    ) given
    UNION ALL
    SELECT day.date, ended.state, ended.id,
        CASE WHEN ended.state = 'voided' THEN ended.face_minor
             ELSE COALESCE((SELECT coupon.balance_minor FROM compensations_coupon coupon
                            WHERE coupon.compensation_id = ended.id), 0) END
    FROM day CROSS JOIN LATERAL (
        SELECT id, state, face_minor FROM compensations_compensation
        WHERE market_id = %(market)s AND state IN ('voided', 'expired')
            AND ended_at >= day.starts AND ended_at < day.ends OFFSET 0
    ) ended
    UNION ALL
    SELECT day.date, 'redeemed', coupon.compensation_id, redemption.amount_minor
    FROM day CROSS JOIN LATERAL (
        SELECT coupon_id, amount_minor FROM compensations_redemption
        WHERE market_id = %(market)s AND created_at >= day.starts AND created_at < day.ends OFFSET 0
    ) redemption
    CROSS JOIN LATERAL (
        SELECT compensation_id FROM compensations_coupon WHERE id = redemption.coupon_id OFFSET 0
    ) coupon
    UNION ALL
    SELECT day.date, 'reversed', coupon.compensation_id, redemption.amount_minor
    FROM day CROSS JOIN LATERAL (
        SELECT redemption_id FROM compensations_reversal
        WHERE created_at >= day.starts AND created_at < day.ends OFFSET 0
    ) reversal
    CROSS JOIN LATERAL (
        SELECT coupon_id, amount_minor FROM compensations_redemption
        WHERE id = reversal.redemption_id AND market_id = %(market)s OFFSET 0
    ) redemption
    CROSS JOIN LATERAL (
        SELECT compensation_id FROM compensations_coupon WHERE id = redemption.coupon_id OFFSET 0
    ) coupon
    UNION ALL
    SELECT DISTINCT day.date, 'requested', asked.id, asked.face_minor
    FROM day CROSS JOIN LATERAL (
        SELECT compensation_id FROM compensations_approval
        WHERE market_id = %(market)s AND requested_at >= day.starts - interval '1 day'
            AND requested_at < day.ends + interval '1 day' OFFSET 0
    ) approval
    CROSS JOIN LATERAL (
        SELECT id, face_minor, created_at FROM compensations_compensation
        WHERE id = approval.compensation_id OFFSET 0
    ) asked
    WHERE asked.created_at >= day.starts AND asked.created_at < day.ends
    UNION ALL
    SELECT day.date, approval.state, approval.compensation_id, 0
    FROM day CROSS JOIN LATERAL (
        SELECT state, compensation_id FROM compensations_approval
        WHERE market_id = %(market)s AND state = 'rejected'
            AND decided_at >= day.starts AND decided_at < day.ends OFFSET 0
    ) approval
    UNION ALL
    SELECT day.date, approval.state, approval.compensation_id, 0
    FROM day CROSS JOIN LATERAL (
        SELECT state, compensation_id FROM compensations_approval
        WHERE market_id = %(market)s AND state IN ('withdrawn', 'lapsed')
            AND closed_at >= day.starts AND closed_at < day.ends OFFSET 0
    ) approval
"""

# One row at most, looked for only where something was issued.
_APPROVED = """LEFT JOIN LATERAL (
    SELECT TRUE AS given FROM compensations_approval approval
    WHERE approval.compensation_id = happened.id AND approval.state = 'approved'
        AND happened.event = 'issued'
    LIMIT 1
) approved ON TRUE"""


def _counted(event: str, measure: str, minor: str | None = None) -> str:
    """A count of one kind of event and, where it has a value, the sum of it."""
    when = f"FILTER (WHERE happened.event = '{event}')"
    text = f"count(*) {when} AS {measure}"
    return f"{text}, COALESCE(sum(happened.minor) {when}, 0) AS {minor}" if minor else text


# Constants alone make these texts.
ISSUANCE_RECOUNT = f"""
SELECT happened.date, given.granted_by_id AS staff_id, given.team_id, given.location_id,
    given.category_id, given.severity, given.channel, given.kind, given.is_statutory,
    {_counted("issued", "issued", "issued_face")},
    COALESCE(sum(given.expected_cost_minor) FILTER (WHERE happened.event = 'issued'), 0)
        AS issued_expected,
    count(*) FILTER (WHERE approved.given) AS approved,
    count(*) FILTER (WHERE happened.event = 'issued' AND given.reissue_of_id IS NOT NULL)
        AS reissued,
    {_counted("voided", "voided", "voided_face")},
    {_counted("redeemed", "redeemed", "redeemed_value")},
    {_counted("reversed", "reversed", "reversed_value")},
    {_counted("expired", "expired", "expired_value")},
    {_counted("requested", "requested", "requested_face")},
    {_counted("rejected", "rejected")},
    {_counted("withdrawn", "withdrawn")},
    {_counted("lapsed", "lapsed")}
FROM ({_EVENTS}) happened
CROSS JOIN LATERAL (
    SELECT * FROM compensations_compensation WHERE id = happened.id OFFSET 0
) given
{_APPROVED}
GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9
"""  # noqa: S608

# Clocks run for these alone; what is settled without a compensation owes none any more.
_OPEN = "state IN ('open', 'in_recovery')"
# The first compensation that was issued and still stands gives the time. A case is late once for
# either of its clocks, whether it was done late or is open and not done yet. The others with clocks
# were settled in time or still have some; what a file brought has none: it is neither, and how long
# it took says nothing.
CASE_RECOUNT = f"""
SELECT day.date, incident.owner_id AS staff_id, incident.team_id, incident.location_id,
    incident.category_id, incident.severity, incident.channel,
    count(*) AS cases,
    count(first.issued_at) AS compensated,
    COALESCE(sum(GREATEST(
        floor(extract(epoch FROM first.issued_at - incident.logged_at)), 0))
        FILTER (WHERE incident.has_clock), 0)::bigint
        AS seconds_to_compensation,
    count(*) FILTER (WHERE incident.state IN ('resolved', 'closed')) AS resolved,
    count(*) FILTER (WHERE incident.is_late) AS breached,
    count(*) FILTER (WHERE incident.has_clock AND NOT incident.is_late AND NOT incident.is_open)
        AS met,
    count(*) FILTER (WHERE incident.has_clock AND NOT incident.is_late AND incident.is_open)
        AS running,
    count(*) FILTER (WHERE NOT incident.has_clock) AS imported,
    count(first.issued_at) FILTER (WHERE NOT incident.has_clock) AS imported_compensated
FROM day CROSS JOIN LATERAL (
    SELECT id, owner_id, team_id, location_id, category_id, severity, channel, state, logged_at,
        {_OPEN} AS is_open,
        compensate_due_at IS NOT NULL OR resolve_due_at IS NOT NULL AS has_clock,
        COALESCE(compensated_at > compensate_due_at, FALSE)
            OR COALESCE(resolved_at > resolve_due_at, FALSE)
            OR {_OPEN} AND (
                compensated_at IS NULL AND COALESCE(compensate_due_at <= %(now)s, FALSE)
                OR resolved_at IS NULL AND COALESCE(resolve_due_at <= %(now)s, FALSE)
            ) AS is_late
    FROM incidents_incident
    WHERE market_id = %(market)s AND logged_at >= day.starts AND logged_at < day.ends OFFSET 0
) incident
LEFT JOIN LATERAL (
    SELECT min(given.issued_at) AS issued_at FROM compensations_compensation given
    WHERE given.incident_id = incident.id AND given.state <> 'voided'
) first ON TRUE
GROUP BY 1, 2, 3, 4, 5, 6, 7
"""  # noqa: S608

# When the first clock still running after `now` will run out, for each day that has one: from then
# on the day's rollup is no longer what a recount says.
NEXT_CLOCK = f"""
SELECT day.date, min(clock.due_at)
FROM day CROSS JOIN LATERAL (
    SELECT CASE WHEN compensated_at IS NULL THEN compensate_due_at END AS compensate_by,
        CASE WHEN resolved_at IS NULL THEN resolve_due_at END AS resolve_by
    FROM incidents_incident
    WHERE market_id = %(market)s AND logged_at >= day.starts AND logged_at < day.ends
        AND {_OPEN} OFFSET 0
) incident
CROSS JOIN LATERAL (VALUES (incident.compensate_by), (incident.resolve_by)) clock (due_at)
WHERE clock.due_at > %(now)s
GROUP BY day.date
"""  # noqa: S608

# What was written since the trail was last read, by (txid, id): every write leaves a row of the
# trail in its own transaction, and rows come in the order in which transactions got their numbers,
# so that one that was slow, or began before midnight, is met too. Both give the moments that a
# rolled day may now count otherwise. A case counts on the day it was logged; a compensation's
# moments are of the very transaction that wrote the row, an hour is far more than any takes.
_TOLD = """
    SELECT told.at, told.object_kind, told.act,
        (CASE WHEN told.object_kind = 'incident' THEN told.object_id
              ELSE NULLIF(told.about_id, '') END)::uuid AS incident_id
    FROM audit_auditevent told
    WHERE told.txid >= (
            SELECT cursor.seen_txid FROM reporting_trailcursor cursor
            WHERE cursor.market_id = %(market)s)
        AND told.market_code = %(code)s
        AND told.object_kind IN ('incident', 'compensation', 'approval')
        AND told.act NOT IN ('incident.step_done', 'incident.recovery_started',
            'incident.closed', 'compensation.resent', 'coupon.reserved', 'coupon.released')
"""
TOUCHED_CASES = f"""
SELECT DISTINCT incident.logged_at AS moment
FROM ({_TOLD}) told JOIN incidents_incident incident ON incident.id = told.incident_id
WHERE told.object_kind = 'incident'
    OR told.act IN ('compensation.granted', 'compensation.voided')
"""  # noqa: S608
TOUCHED_ISSUANCE = f"""
SELECT DISTINCT written.moment
FROM ({_TOLD}) told
JOIN compensations_compensation given ON given.incident_id = told.incident_id
CROSS JOIN LATERAL (
    VALUES (given.issued_at), (given.ended_at), (given.created_at)
    UNION ALL
    SELECT unnest(ARRAY[approval.requested_at, approval.decided_at, approval.closed_at])
    FROM compensations_approval approval WHERE approval.compensation_id = given.id
    UNION ALL
    SELECT unnest(ARRAY[redemption.created_at, reversal.created_at])
    FROM compensations_coupon coupon
    JOIN compensations_redemption redemption ON redemption.coupon_id = coupon.id
    LEFT JOIN compensations_reversal reversal ON reversal.redemption_id = redemption.id
    WHERE coupon.compensation_id = given.id
) written (moment)
WHERE told.object_kind <> 'incident' AND written.moment >= told.at - interval '1 hour'
"""  # noqa: S608
