"""A reader of the page."""

from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"meta", "link", "br", "hr", "img", "input", "wbr"}


@dataclass
class Element:
    """An element of the page, with all text in it."""

    tag: str
    attributes: dict[str, str]
    children: list["Element"] = field(default_factory=list)
    text: str = ""

    def all(self, tag: str, **attributes: str) -> list["Element"]:
        """Return the elements below it with this tag, and with all these words in an attribute (`class_="number"`)."""
        wanted = {name.rstrip("_"): set(value.split()) for name, value in attributes.items()}
        here = [
            child
            for child in self.children
            if child.tag == tag and all(words <= set(child.attributes.get(name, "").split()) for name, words in wanted.items())
        ]
        return here + [found for child in self.children for found in child.all(tag, **attributes)]

    def one(self, tag: str, **attributes: str) -> "Element":
        [found] = self.all(tag, **attributes)
        return found

    def everything(self) -> list["Element"]:
        return [self, *(found for child in self.children for found in child.everything())]


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open = [Element("document", {})]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), f"<{tag}> has an attribute twice"
        element = Element(tag, {name: value or "" for name, value in attrs})
        self.open[-1].children.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_endtag(self, tag: str) -> None:
        assert self.open[-1].tag == tag, f"</{tag}> where </{self.open[-1].tag}> was expected"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        for element in self.open:
            element.text += data


def read(page: str) -> Element:
    """Return the page's elements; fails if one is not closed, or closed twice."""
    reader = _Reader()
    reader.feed(page)
    reader.close()
    assert [element.tag for element in reader.open] == ["document"]
    return reader.open[0]


def tables(part: Element) -> dict[str, list[list[str]]]:
    """The cells of every table in a part of a page, heading first, by its caption."""
    return {
        table.one("caption").text: [[cell.text for cell in row.children] for row in table.all("tr")]
        for table in part.all("table")
    }
