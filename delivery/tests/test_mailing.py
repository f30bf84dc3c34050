"""A mail that reads well as text and as HTML, and that nobody's name can break."""

from html.parser import HTMLParser

import pytest

from delivery.mailing import build_mail
from delivery.registry import Rendered


class Reader(HTMLParser):
    """What a reader with images off is left with."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def read(html: str) -> Reader:
    reader = Reader()
    reader.feed(html)
    return reader


def build(**fields: object) -> Rendered:
    values: dict[str, object] = {
        "subject": "Hoteles Alameda: algo para usted",
        "brand": "Hoteles Alameda",
        "greeting": "Hola, Mariana",
        "paragraphs": ["Lamentamos lo ocurrido.", "Esto es para usted."],
        "facts": [("Valor", "$200.00"), ("Vigencia", "31 de diciembre")],
        "link": ("Ver mi cupón", "https://example.com/p/abc"),
        "footer": "Caso 26-000123.",
        "language": "es",
        **fields,
    }
    return build_mail(**values)  # type: ignore[arg-type]


@pytest.mark.parametrize("part", ["text", "html"])
def test_both_parts_say_everything(part: str) -> None:
    rendered = getattr(build(), part)
    words = rendered if part == "text" else " ".join(read(rendered).words)
    for wanted in (
        "Hoteles Alameda",
        "Hola, Mariana",
        "Lamentamos lo ocurrido.",
        "Esto es para usted.",
        "Valor",
        "$200.00",
        "Ver mi cupón",
        "https://example.com/p/abc",
        "Caso 26-000123.",
    ):
        assert wanted in words


def test_the_html_names_its_language_and_needs_nothing_from_outside() -> None:
    reader = read(build().html)
    names = [name for name, _attributes in reader.tags]
    assert reader.tags[0] == ("html", {"lang": "es"})
    assert not {"img", "link", "script", "style", "form"} & set(names)
    addresses = {attributes["href"] for _name, attributes in reader.tags if "href" in attributes}
    assert addresses == {"https://example.com/p/abc"}
    assert names.count("h1") == 1
    layout = [attributes for name, attributes in reader.tags if name == "table"]
    assert [attributes.get("role") for attributes in layout].count(None) == 1, "only the facts"


def test_names_are_words_and_never_markup() -> None:
    html = build(greeting='Hola, <script>alert("1")</script>', brand="A & B").html
    assert "<script" not in html
    assert "A &amp; B" in html


def test_a_subject_stays_on_one_line() -> None:
    assert build(subject="Hola\r\nBcc: todos@example.com").subject == "Hola Bcc: todos@example.com"


def test_without_facts_link_and_footer() -> None:
    rendered = build(facts=(), link=None, footer="")
    assert rendered.text.endswith("-- \nHoteles Alameda\n")
    assert [name for name, _ in read(rendered.html).tags].count("a") == 0
