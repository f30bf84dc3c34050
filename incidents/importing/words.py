"""Words that people put at the head of a column, and inside some cells, in Spanish and English."""

import re
import unicodedata

from ..states import ContactChannel, IncidentKind, Severity


def plain(text: str) -> str:
    """Lower case without accents, marks, repeated spaces: `Nº Expediente ` is `n expediente`."""
    text = unicodedata.normalize("NFKD", text.replace("º", " ").replace("ª", " ").casefold())
    text = "".join(character for character in text if not unicodedata.combining(character))
    return " ".join(re.sub(r"[^a-z0-9]+", " ", text).split())


# Field -> names of its column, the surest first.
COLUMNS: dict[str, tuple[str, ...]] = {
    "reference": (
        "folio", "radicado", "expediente", "n expediente", "no expediente", "numero expediente",
        "num expediente", "reference", "referencia", "ref", "case id", "case number", "ticket",
        "ticket id", "complaint id", "id queja", "id reclamo", "no queja", "numero de queja",
        "doc id", "id",
    ),
    "narrative": (
        "narrative", "narracion", "descripcion", "description", "complaint", "queja", "reclamo",
        "what happened", "que paso", "hechos", "detalle", "details", "texto", "text",
        "comentario", "comentarios", "comment", "comments", "mensaje", "message", "review",
        "resena", "opinion", "observaciones", "consumer complaint narrative",
    ),
    "date": (
        "occurred at", "fecha del hecho", "fecha de los hechos", "fecha incidente",
        "fecha apertura", "fecha de apertura", "fecha", "date", "fecha queja",
        "fecha de la queja", "fecha registro", "fecha de registro", "fecha recepcion",
        "date received", "received", "created at", "opened at", "logged at", "dia",
    ),
    "category": (
        "category", "categoria", "motivo", "tema", "tipo de queja", "topic", "reason", "asunto",
        "issue", "tipo",
    ),
    "subcategory": (
        "subcategory", "subcategoria", "submotivo", "subtema", "subtopic", "sub reason",
        "sub issue", "subtipo",
    ),
    "severity": ("severity", "gravedad", "severidad", "prioridad", "priority"),
    "kind": ("kind", "clase", "tipo de caso", "clase de caso"),
    "channel": (
        "channel", "canal", "medio", "via", "origen", "origin", "submitted via",
        "canal de entrada", "medio de contacto",
    ),
    "location": (
        "location", "sede", "sucursal", "hotel", "restaurante", "tienda", "store", "branch",
        "site", "codigo sede",
    ),
    "order": (
        "order", "order id", "order ref", "order number", "pedido", "numero de pedido",
        "no pedido", "n pedido", "orden", "reserva", "reservacion", "booking", "reservation",
        "ticket de compra",
    ),
    "amount": (
        "amount", "amount at stake", "importe", "monto", "valor", "total", "cantidad", "precio",
        "price",
    ),
    "customer_name": (
        "customer", "customer name", "client", "client name", "guest", "guest name", "name",
        "full name", "cliente", "nombre", "nombre del cliente", "nombre cliente",
        "nombre completo", "huesped",
    ),
    "phone": (
        "phone", "phone number", "telephone", "mobile", "cell", "telefono", "tel", "celular",
        "movil", "numero de telefono", "whatsapp",
    ),
    "email": ("email", "e mail", "mail", "correo", "correo electronico", "email address"),
    "customer_ref": (
        "customer id", "customer number", "client id", "numero de cliente", "no cliente",
        "n cliente", "id cliente", "codigo cliente", "loyalty number", "membresia",
    ),
    "language": ("language", "lang", "idioma", "lengua"),
}  # fmt: skip

CHANNELS: dict[str, tuple[str, ...]] = {
    ContactChannel.PHONE: (
        "phone", "telephone", "call", "telefono", "llamada", "tel", "call center",
    ),
    ContactChannel.COUNTER: (
        "counter", "front desk", "in person", "desk", "mostrador", "presencial", "recepcion",
        "ventanilla", "en persona", "caja",
    ),
    ContactChannel.EMAIL: ("email", "e mail", "mail", "correo", "correo electronico"),
    ContactChannel.SMS: ("sms", "text message", "mensaje de texto"),
    ContactChannel.WHATSAPP: ("whatsapp", "wa", "wpp"),
    ContactChannel.CHAT: ("chat", "web chat", "chat en linea"),
    ContactChannel.SOCIAL: (
        "social", "social media", "redes", "redes sociales", "facebook", "twitter", "x",
        "instagram", "tiktok",
    ),
    ContactChannel.WEB: (
        "web", "web form", "form", "website", "formulario", "formulario web", "pagina web",
        "sitio web", "internet", "online", "en linea",
    ),
}  # fmt: skip

SEVERITIES: dict[str, tuple[str, ...]] = {
    Severity.MINOR: ("minor", "low", "menor", "baja", "bajo", "leve"),
    Severity.MODERATE: ("moderate", "medium", "normal", "moderada", "media", "medio"),
    Severity.CRITICAL: (
        "critical", "high", "urgent", "critica", "critico", "alta", "alto", "grave", "urgente",
    ),
}  # fmt: skip

KINDS: dict[str, tuple[str, ...]] = {
    IncidentKind.CLAIM: ("claim", "reclamo", "reclamacion"),
    IncidentKind.COMPLAINT: ("complaint", "queja"),
    IncidentKind.REQUEST: ("request", "peticion", "solicitud"),
}

LANGUAGES: dict[str, tuple[str, ...]] = {
    "es": ("es", "spanish", "espanol", "castellano", "es mx", "es co", "es es"),
    "en": ("en", "english", "ingles", "en us", "en gb"),
}

VALUES = {"channel": CHANNELS, "severity": SEVERITIES, "kind": KINDS, "language": LANGUAGES}
MONTHS = {
    word: number
    for number, words in enumerate(
        (
            "ene enero jan january", "feb febrero february", "mar marzo march",
            "abr abril apr april", "may mayo", "jun junio june", "jul julio july",
            "ago agosto aug august", "sep sept septiembre september set setiembre",
            "oct octubre october", "nov noviembre november", "dic diciembre dec december",
        ),
        start=1,
    )
    for word in words.split()
}  # fmt: skip


def known_value(field: str, text: str) -> str | None:
    """The value that a cell of `field` stands for, or None."""
    word = plain(text)
    for value, words in VALUES[field].items():
        if word == plain(value) or word in words:
            return value
    return None
