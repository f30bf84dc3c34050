"""Reads of customers, incidents and guidance. `visible_to` is the only door a page, an export,
a search or the API uses.
"""

from .customers import (
    CustomerSummary,
    active_contacts,
    contact_for,
    customer_summary,
    open_and_recent,
    visible_contacts,
    visible_customers,
    with_email,
    with_phone,
)
from .guidance import categories_for, playbook_for, playbook_unread, severity_guides
from .incidents import (
    Page,
    TimelineEntry,
    bounded_count,
    done_steps,
    due_promises,
    incident_page,
    key_page,
    logged_between,
    readable_key,
    timeline,
    visible_incidents,
    with_list_relations,
)
from .opening import named_for_opening
from .portal import open_portal_token
from .search import find_customers, folios_meant, search_customers, search_incidents

__all__ = [
    "CustomerSummary",
    "Page",
    "TimelineEntry",
    "active_contacts",
    "bounded_count",
    "categories_for",
    "contact_for",
    "customer_summary",
    "done_steps",
    "due_promises",
    "find_customers",
    "folios_meant",
    "incident_page",
    "key_page",
    "logged_between",
    "named_for_opening",
    "open_and_recent",
    "open_portal_token",
    "playbook_for",
    "playbook_unread",
    "readable_key",
    "search_customers",
    "search_incidents",
    "severity_guides",
    "timeline",
    "visible_contacts",
    "visible_customers",
    "visible_incidents",
    "with_email",
    "with_list_relations",
    "with_phone",
]
