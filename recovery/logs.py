"""Log lines: time, level, logger, request id, words. Customer links are cut out of them."""

import logging
import re

from common.context import request_id

# A customer's link opens one case: it never reaches a log whole.
_LINK = re.compile(r"(/p/)[A-Za-z0-9_-]{8,}")


class RequestIdFilter(logging.Filter):
    """Adds the running request's id to every record."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.request_id = request_id.get() or "-"
        return True


class LineFormatter(logging.Formatter):
    """One line a record, links masked, tracebacks included."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s [%(request_id)s] %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        return _LINK.sub(r"\1•••", super().format(record))
