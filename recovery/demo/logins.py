"""Who signs in to the demo company: plain data that needs nothing but Python.

Everybody has the same password. It is public, so the demo company is for looking and trying, never
beside real customers.
"""

from typing import NamedTuple

DEMO_PASSWORD = "recovery-demo-2026"  # noqa: S105 - public on purpose, for invented people only


class Login(NamedTuple):
    """One person to sign in as. `market` is its code, or two joined by a plus sign."""

    username: str
    role: str
    market: str
    es: str
    en: str


LOGINS = (
    Login("lucia", "agent", "MX", "Agente, hoteles, turno de día", "Agent, hotels, day shift"),
    Login(
        "tomas", "agent", "MX", "Agente, hoteles, turno de tarde", "Agent, hotels, evening shift"
    ),
    Login("emma", "agent", "MX", "Agente, lee en inglés", "Agent, reads in English"),
    Login("raul", "supervisor", "MX", "Supervisor de dos equipos", "Supervisor of two teams"),
    Login("walter", "supervisor", "MX", "Supervisor, lee en inglés", "Supervisor, reads English"),
    Login("elena", "finance", "MX", "Finanzas, escribe la escala", "Finance, writes the scale"),
    Login("martin", "finance", "MX", "Finanzas, aprueba la escala", "Finance, approves it"),
    Login("carmen", "cashier", "MX", "Caja del hotel de Cancún", "Cashier, Cancún hotel"),
    Login("andres", "agent", "CO", "Agente, domicilios", "Agent, food delivery"),
    Login("manuela", "agent", "CO", "Agente, domicilios", "Agent, food delivery"),
    Login("camila", "supervisor", "CO", "Supervisora de dos equipos", "Supervisor of two teams"),
    Login("ramiro", "finance", "CO", "Finanzas, escribe la escala", "Finance, writes the scale"),
    Login("lina", "finance", "CO", "Finanzas, aprueba la escala", "Finance, approves it"),
    Login("fabio", "cashier", "CO", "Caja de la cocina Chapinero", "Cashier, Chapinero kitchen"),
    Login("beatriz", "auditor", "MX+CO", "Auditoría, lee todo", "Auditor, reads everything"),
    Login("sofia", "administrator", "MX+CO", "Personas, roles, llaves", "People, roles, keys"),
)


def table(language: str = "es") -> str:
    """The logins as aligned lines for a terminal, in Spanish or English."""
    rows = [
        (login.username, login.market, login.es if language == "es" else login.en)
        for login in LOGINS
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(2)]
    return "\n".join(
        f"  {username:<{widths[0]}}  {market:<{widths[1]}}  {words}"
        for username, market, words in rows
    )
