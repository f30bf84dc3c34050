"""Writes of customers, incidents and what hangs from them, a file for each noun.

Each is one transaction: lock, check, save, audit. Pages, API, commands and tasks call the same.
"""

from ..selectors.portal import open_portal_token
from .customers import (
    add_contact,
    change_customer,
    correct_contact,
    create_customer,
    remove_contact,
    reveal_contact,
    set_segment,
)
from .drafts import discard_draft, save_draft
from .follow_up import (
    acknowledge_playbook,
    add_note,
    break_promise,
    cancel_promise,
    keep_promise,
    make_promise,
    tick_step,
)
from .identifying import identify_customer
from .incidents import (
    change_incident,
    change_severity,
    close_incident,
    next_folio,
    open_incident,
    reopen_incident,
    resolve_incident,
    start_recovery,
    undo_compensated,
)
from .portal import issue_portal_token, revoke_portal_tokens

__all__ = [
    "acknowledge_playbook",
    "add_contact",
    "add_note",
    "break_promise",
    "cancel_promise",
    "change_customer",
    "change_incident",
    "change_severity",
    "close_incident",
    "correct_contact",
    "create_customer",
    "discard_draft",
    "identify_customer",
    "issue_portal_token",
    "keep_promise",
    "make_promise",
    "next_folio",
    "open_incident",
    "open_portal_token",
    "remove_contact",
    "reopen_incident",
    "resolve_incident",
    "reveal_contact",
    "revoke_portal_tokens",
    "save_draft",
    "set_segment",
    "start_recovery",
    "tick_step",
    "undo_compensated",
]
