"""The library's own task message, made once for each line and then cast with other ids.

Making and publishing one takes the library a quarter of the Python time of a grant, and only the
ids in it differ. A mould is taken from the text that the library hands to the broker; a test holds
casts against messages of the library's own making.
"""

import json
import uuid
from base64 import b64decode, b64encode
from collections.abc import Callable
from typing import Any, Self

_BODY = "<the body>"


class _Listener:
    """Stands in for a client of the broker and keeps what would have been pushed."""

    def __init__(self) -> None:
        self.key = self.text = ""

    def lpush(self, key: str, text: str) -> None:
        self.key, self.text = key, text


class Mould:
    """The broker's list and a message in it; `cast` makes the next one."""

    def __init__(self, key: str, text: str, of: uuid.UUID) -> None:
        """`text` is a task message as JSON whose body, in base 64, names the row `of`."""
        message = json.loads(text)
        self.key = key
        self._of = str(of)
        self._task: str = message["headers"]["id"]
        self._tag: str = message["properties"]["delivery_tag"]
        self._body: str = b64decode(message["body"]).decode()
        self._around = json.dumps({**message, "body": _BODY})

    @classmethod
    def taken(cls, channel: Any, publish: Callable[[uuid.UUID], object]) -> Self:
        """From what `publish` hands to the channel for an id made up here; nothing is sent."""
        listener, made_up = _Listener(), uuid.uuid4()
        client, channel.Client = channel.Client, lambda **_options: listener
        try:
            publish(made_up)
        finally:
            channel.Client = client
        return cls(listener.key, listener.text, made_up)

    def cast(self, message_id: uuid.UUID) -> str:
        """The text for another row, with a task and a delivery of its own."""
        row = str(message_id)
        body = b64encode(self._body.replace(self._of, row).encode()).decode()
        return (
            self._around.replace(self._of, row)
            .replace(self._task, str(uuid.uuid4()))
            .replace(self._tag, str(uuid.uuid4()))
            .replace(_BODY, body)
        )
