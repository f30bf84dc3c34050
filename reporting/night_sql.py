"""What a nightly report asks beyond the rollups, as SQL over one local day of a market.

Everything is as it stood when the day ended (`ends`), told from moments that stay written: so a
later payment, resolution or resend leaves the report of that day as it is. Amounts are minor units.
"""

# Cases by owner, team and cell of the mix: how many, and how many had something by the end of the
# day that was not taken back by then. What a file brought was not here when its day ended, and
# nobody was at the desk for it: it has no clocks, and no report speaks of it as a case.
CASES = """
SELECT incident.team_id, incident.owner_id, incident.category_id, incident.severity, count(*),
    count(*) FILTER (WHERE EXISTS (
        SELECT FROM compensations_compensation given
        WHERE given.incident_id = incident.id AND given.issued_at < %(ends)s
            AND NOT (given.state = 'voided' AND given.ended_at < %(ends)s)))
FROM incidents_incident incident
WHERE incident.market_id = %(market)s
    AND incident.logged_at >= %(starts)s AND incident.logged_at < %(ends)s
    AND incident.resolve_due_at IS NOT NULL
GROUP BY 1, 2, 3, 4
"""

# For each person: what their goodwill compensations of the day would have been worth, had each had
# the mean of what everybody else gave in the same cell in these weeks; and how many are covered,
# how many of others' stand behind it. Cells in which nobody else gave anything are left out. One
# pass and no join: the planner knows nothing yet of a day that was rolled in this transaction.
PEERS = """
WITH own AS (
    SELECT staff_id, category_id, severity, sum(issued) AS issued, sum(issued_face) AS face,
        sum(issued) FILTER (WHERE date = %(date)s) AS today
    FROM reporting_issuanceday
    WHERE market_id = %(market)s AND date > %(date)s::date - %(weeks)s * 7 AND date <= %(date)s
        AND NOT is_statutory
    GROUP BY 1, 2, 3
), beside AS (
    SELECT *, sum(issued) OVER cell - issued AS others, sum(face) OVER cell - face AS others_face
    FROM own WINDOW cell AS (PARTITION BY category_id, severity)
)
SELECT staff_id, round(sum(today * others_face / others))::bigint, sum(today)::bigint,
    sum(others)::bigint
FROM beside WHERE today > 0 AND others > 0
GROUP BY 1
"""

# What had been taken of each limit when the day ended, in the windows that held it: what its
# counters hold now, less what was taken since, and with what was given back since. All limits of a
# kind have the same counters; each is held against the one that was in force then. A person's room
# is taken when something is issued, a team's when asked for.
LIMITS = """
WITH held AS (
    SELECT kind.scope, kind."window", kind.measure, counter.limit_id, counter.subject,
        counter.starts_on, counter.used
    FROM compensations_issuancelimit kind
    JOIN compensations_limitcounter counter ON counter.limit_id = kind.id
        AND counter.starts_on = CASE kind."window"
            WHEN 'day' THEN %(day)s::date WHEN 'week' THEN %(week)s::date
            WHEN 'month' THEN %(month)s::date ELSE DATE '1970-01-01' END
    WHERE kind.market_id = %(market)s AND kind.scope IN ('agent', 'team')
), touched AS (
    SELECT id FROM compensations_compensation
    WHERE market_id = %(market)s AND issued_at >= %(ends)s
    UNION SELECT id FROM compensations_compensation
    WHERE market_id = %(market)s AND state = 'voided' AND ended_at >= %(ends)s
    UNION SELECT compensation_id FROM compensations_approval
    WHERE market_id = %(market)s AND requested_at >= %(ends)s
    UNION SELECT compensation_id FROM compensations_approval
    WHERE market_id = %(market)s AND decided_at >= %(ends)s
    UNION SELECT compensation_id FROM compensations_approval
    WHERE market_id = %(market)s AND closed_at >= %(ends)s
), since AS (
    SELECT limit_id, subject, starts_on, sum(CASE
        WHEN taken_at < %(ends)s AND released_at >= %(ends)s THEN quantity
        WHEN taken_at >= %(ends)s AND released_at IS NULL THEN -quantity END) AS change
    FROM (
        SELECT taken.*, uses.released_at,
            CASE held.scope WHEN 'agent' THEN given.issued_at ELSE given.created_at END AS taken_at
        FROM touched
        JOIN compensations_compensation given ON given.id = touched.id
        JOIN compensations_limituse uses ON uses.compensation_id = given.id
        CROSS JOIN unnest(uses.limits, uses.subjects, uses.starts_on, uses.quantities)
            AS taken(limit_id, subject, starts_on, quantity)
        JOIN held ON (held.limit_id, held.subject, held.starts_on)
            = (taken.limit_id, taken.subject, taken.starts_on)
    ) AS each
    GROUP BY 1, 2, 3
), taken AS (
    SELECT scope, "window", measure, subject, (used + COALESCE(change, 0))::bigint AS used
    FROM held LEFT JOIN since USING (limit_id, subject, starts_on)
    WHERE used + COALESCE(change, 0) > 0
)
SELECT DISTINCT ON (taken.scope, taken.subject, taken."window", taken.measure)
    taken.scope, taken.subject, rule.id, taken."window", taken.measure, taken.used, rule.cap
FROM taken
JOIN compensations_issuancelimit rule ON rule.market_id = %(market)s
    AND (rule.scope, rule."window", rule.measure) = (taken.scope, taken."window", taken.measure)
    AND COALESCE(rule.for_staff_id::text, rule.for_team_id::text, taken.subject) = taken.subject
    AND rule.decided_at < %(ends)s
    AND (rule.state = 'in_force' OR (rule.state = 'retired' AND rule.ended_at >= %(ends)s))
ORDER BY taken.scope, taken.subject, taken."window", taken.measure,
    (rule.for_staff_id IS NULL AND rule.for_team_id IS NULL), rule.id
"""

DECISIONS = """
SELECT given.team_id, approval.decided_by_id,
    count(*) FILTER (WHERE approval.state = 'approved'),
    COALESCE(sum(given.face_minor) FILTER (WHERE approval.state = 'approved'), 0)::bigint,
    count(*) FILTER (WHERE approval.state = 'rejected')
FROM compensations_approval approval
JOIN compensations_compensation given ON given.id = approval.compensation_id
WHERE approval.market_id = %(market)s
    AND approval.decided_at >= %(starts)s AND approval.decided_at < %(ends)s
GROUP BY 1, 2
"""

VOIDS = """
SELECT given.team_id, given.granted_by_id, given.voided_by_id, given.id, given.incident_id,
    given.face_minor, again.id
FROM compensations_compensation given
LEFT JOIN compensations_compensation again
    ON again.reissue_of_id = given.id AND again.issued_at < %(ends)s
WHERE given.market_id = %(market)s AND given.state = 'voided'
    AND given.ended_at >= %(starts)s AND given.ended_at < %(ends)s
"""

# Messages of what was issued that day that had not been accepted when it ended, though tried, or
# that came back. Handing over has no tries.
FAILURES = """
SELECT given.team_id, given.granted_by_id, message.id, given.incident_id,
    EXISTS (SELECT FROM delivery_receipt receipt WHERE receipt.message_id = message.id
        AND receipt.state IN ('bounced', 'failed') AND receipt.received_at < %(ends)s)
FROM compensations_compensation given
JOIN delivery_message message ON message.ref = given.id AND message.topic = %(topic)s
WHERE given.market_id = %(market)s
    AND given.issued_at >= %(starts)s AND given.issued_at < %(ends)s
    AND message.created_at < %(ends)s
    AND (EXISTS (SELECT FROM delivery_receipt receipt WHERE receipt.message_id = message.id
            AND receipt.state IN ('bounced', 'failed') AND receipt.received_at < %(ends)s)
        OR (EXISTS (SELECT FROM delivery_attempt attempt WHERE attempt.message_id = message.id
                AND attempt.finished_at < %(ends)s)
            AND NOT EXISTS (SELECT FROM delivery_attempt attempt
                WHERE attempt.message_id = message.id AND attempt.outcome = 'accepted'
                AND attempt.finished_at < %(ends)s)))
"""

# Who gave again to the same customer within these days; taking the place of a void is no other one.
PAIRS = """
WITH met AS (
    SELECT DISTINCT given.team_id, given.granted_by_id, given.customer_id
    FROM compensations_compensation given
    WHERE given.market_id = %(market)s AND given.reissue_of_id IS NULL
        AND given.issued_at >= %(starts)s AND given.issued_at < %(ends)s
)
SELECT met.team_id, met.granted_by_id, met.customer_id, count(*), sum(given.face_minor)::bigint
FROM met
JOIN compensations_compensation given ON given.customer_id = met.customer_id
    AND given.granted_by_id = met.granted_by_id AND given.reissue_of_id IS NULL
    AND given.issued_at >= %(since)s AND given.issued_at < %(ends)s
GROUP BY 1, 2, 3
HAVING count(*) > 1
"""

# Promises whose date came that day and that were neither kept nor called off before it ended.
PROMISES = """
SELECT incident.team_id, promise.owner_id, promise.id, promise.incident_id, promise.kind
FROM incidents_promise promise
JOIN incidents_incident incident ON incident.id = promise.incident_id
WHERE promise.market_id = %(market)s
    AND promise.due_at >= %(starts)s AND promise.due_at < %(ends)s
    AND NOT (promise.state IN ('kept', 'cancelled') AND promise.ended_at < %(ends)s)
"""

# Debits of the day: each transaction of the ledger is one positive and one negative entry. What has
# no code is settled without a redemption, with the entries of one: it stands apart as `settle`, and
# is held against the face value of what was settled that day.
LEDGER = """
SELECT CASE WHEN entry.event = 'redeem' AND given.expires_at IS NULL THEN 'settle'
            ELSE entry.event END,
    entry.currency, sum(entry.amount_minor)::bigint,
    COALESCE(sum(given.face_minor) FILTER (WHERE given.state = 'settled'
        AND given.ended_at >= %(starts)s AND given.ended_at < %(ends)s), 0)::bigint
FROM compensations_ledgerentry entry
JOIN compensations_compensation given ON given.id = entry.compensation_id
WHERE entry.market_id = %(market)s AND entry.account = ANY(%(accounts)s)
    AND entry.at >= %(starts)s AND entry.at < %(ends)s AND entry.amount_minor > 0
GROUP BY 1, 2
"""

SCALES = """
SELECT number, author_id, approved_by_id, second_approved_by_id
FROM compensations_scaleversion
WHERE market_id = %(market)s AND state IN ('live', 'retired')
    AND effective_from >= %(starts)s AND effective_from < %(ends)s
"""

LIMITS_CHANGED = """
SELECT changed.id, changed.scope, changed."window", changed.measure, changed.cap, before.cap,
    changed.for_staff_id, changed.for_team_id, changed.for_role, changed.for_segment,
    changed.proposed_by_id, changed.decided_by_id,
    changed.decided_at >= %(starts)s AND changed.decided_at < %(ends)s AS began
FROM compensations_issuancelimit changed
LEFT JOIN compensations_issuancelimit before ON before.id = changed.replaces_id
WHERE changed.market_id = %(market)s AND changed.state IN ('in_force', 'retired')
    AND ((changed.decided_at >= %(starts)s AND changed.decided_at < %(ends)s)
        OR (changed.ended_at >= %(starts)s AND changed.ended_at < %(ends)s
            AND NOT EXISTS (SELECT FROM compensations_issuancelimit after
                WHERE after.replaces_id = changed.id AND after.decided_at = changed.ended_at)))
"""
