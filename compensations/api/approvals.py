"""Requests for a second person: listed, decided, taken back. What asks for one is `granting`."""

import uuid
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api import problems
from accounts.api.filters import OnlyKnownParameters
from accounts.api.idempotency import idempotent
from accounts.api.permissions import Roles
from accounts.api.serializers import checked, shown
from accounts.models import Staff
from accounts.states import Role
from common.errors import NotFound

from .. import approvals
from ..actions import reject, try_to_approve, try_to_pass_up, withdraw
from ..actions.deciding import refusal_of
from ..filters import ApprovalFilter
from ..models import Approval
from ..selectors import visible_approvals, why_not_decidable
from . import examples
from .serializers import ApprovalShape, DecideRequest, Nothing

READERS = Roles(Role.AGENT, Role.SUPERVISOR, Role.FINANCE, Role.AUDITOR)
DECIDERS = Roles(Role.SUPERVISOR, Role.FINANCE)
GRANTERS = Roles(Role.AGENT, Role.SUPERVISOR)


def _staff(request: Request) -> Staff:
    assert isinstance(request.user, Staff)
    return request.user


def _found(request: Request, id: uuid.UUID) -> Approval:
    """The request, if the caller may see it. Raises NotFound."""
    row = visible_approvals(_staff(request)).filter(pk=id).first()
    if row is None:
        raise NotFound
    return row


def _answer(request: Request, id: uuid.UUID) -> dict[str, Any]:
    row = _found(request, id)
    tell(_staff(request), [row])
    return shown(ApprovalShape, row)


def tell(by: Staff, rows: list[Approval]) -> None:
    """Sets on each row why the person may not decide it, with two queries for all of them."""
    earlier = approvals.earlier_deciders([row.compensation_id for row in rows])
    authors = approvals.contact_authors([row.compensation.customer_id for row in rows])
    for row in rows:
        refusal = why_not_decidable(row, by, earlier=earlier, authors=authors)
        row.why_not = refusal  # type: ignore[attr-defined]


class ApprovalsView(OnlyKnownParameters, ListAPIView[Approval]):
    """Requests the caller may see, newest first, in pages by key."""

    permission_classes = (READERS,)
    serializer_class = ApprovalShape
    filterset_class = ApprovalFilter

    def get_queryset(self) -> QuerySet[Approval]:
        if getattr(self, "swagger_fake_view", False):
            return Approval.objects.none()
        return visible_approvals(_staff(self.request))

    def paginate_queryset(self, queryset: Any) -> Any:
        rows = super().paginate_queryset(queryset)
        tell(_staff(self.request), list(rows or []))
        return rows

    @extend_schema(operation_id="approvals", tags=["approvals"])
    def get(self, request: Request) -> Response:
        return self.list(request)


class DecideView(APIView):
    """Approves, rejects, or endorses a request and passes it up to finance.

    An approval issues the compensation and queues its message in the same commit, and counts
    against the decider's own limits. A request that is no longer what was asked ends by itself:
    the answer is then 409 `request_changed` or `request_lapsed`.
    """

    permission_classes = (DECIDERS,)

    @extend_schema(
        operation_id="approval_decide",
        tags=["approvals"],
        request=DecideRequest,
        responses={
            200: ApprovalShape,
            403: examples.OWN_REQUEST,
            404: examples.NOT_FOUND,
            409: examples.ALREADY_DECIDED,
            422: examples.REASON_NEEDED,
        },
        examples=[
            examples.request("Yes", {"decision": "approve"}),
            examples.request(
                "No, with its reason", {"decision": "reject", "reason": "The guest was refunded."}
            ),
            examples.request(
                "Above one's authority", {"decision": "pass_up", "reason": "I would give it."}
            ),
            examples.answer("Approved", examples.APPROVED),
        ],
    )
    @idempotent
    def post(self, request: Request, id: uuid.UUID) -> Response:
        values = checked(DecideRequest, request.data)
        row, by = _found(request, id), _staff(request)
        reason = values.get("reason", "")
        if values["decision"] == "reject":
            done = reject(approval=row, reason=reason, by=by)
        elif values["decision"] == "approve":
            done = try_to_approve(approval=row, by=by, note=reason)
        else:
            done = try_to_pass_up(approval=row, by=by, note=reason)
        refusal = refusal_of(done)
        if refusal is not None:
            # Answered rather than raised: the end of the request commits with this answer.
            return Response(problems.of_refusal(refusal), status=refusal.status)
        return Response(_answer(request, id))


class WithdrawView(APIView):
    """Takes one's own waiting request back; its room returns."""

    permission_classes = (GRANTERS,)

    @extend_schema(
        operation_id="approval_withdraw",
        tags=["approvals"],
        request=Nothing,
        responses={
            200: ApprovalShape,
            403: examples.NOT_ALLOWED,
            404: examples.NOT_FOUND,
            409: examples.ALREADY_DECIDED,
        },
        examples=[examples.answer("Withdrawn", examples.WITHDRAWN)],
    )
    @idempotent
    def post(self, request: Request, id: uuid.UUID) -> Response:
        checked(Nothing, request.data)
        withdraw(approval=_found(request, id), by=_staff(request))
        return Response(_answer(request, id))
