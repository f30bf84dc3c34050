"""A topic of the tests' own: what it says carries a code and a link that must not leak anywhere.

The address is told by the reference: `<hex of the ref>@example.com`, so that a worker in another
process finds it without a customer. `corrected` holds references whose address has changed since.
"""

from common.fingerprints import fingerprint
from delivery.mailing import build_mail
from delivery.models import Message
from delivery.registry import Recipient, Rendered, register_topic

TOPIC = "test.note"
CODE = "7K3M-9QPT-XW2C-5H8V"
LINK = "https://customers.example.com/p/Zm9yLXRlc3RzLW9ubHktbm90LWEtdG9rZW4"

corrected: dict[str, str] = {}
gone: set[str] = set()
outdated: list[str] = []


def address_of(ref: object) -> str:
    key = getattr(ref, "hex", str(ref))
    return corrected.get(key, f"{key}@example.com")


def render(message: Message) -> Rendered:
    return build_mail(
        subject="Something for you",
        brand=message.market.brand,
        greeting="Hola, Mariana",
        paragraphs=[f"Su código es {CODE}."],
        facts=[("Valor", "$200.00")],
        link=("Ver mi cupón", LINK),
        footer="Caso 26-000123",
        language=message.language,
    )


def resolve(message: Message) -> Recipient | None:
    if message.ref.hex in gone:
        return None
    address = address_of(message.ref)
    return Recipient("Mariana Solís", address, fingerprint("contact", address))


def note_outdated(message: Message) -> None:
    outdated.append(str(message.pk))


def register() -> None:
    register_topic(TOPIC, render=render, resolve=resolve, outdated=note_outdated)
