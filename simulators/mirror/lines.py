"""Text files of a bank or an insurer: header, names, rows and trailer as lines, separated or by position, in its encoding."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from simulators.mirror.plain import MirrorError

Cells = Mapping[str, str]
Put = Callable[[Sequence[str], Sequence[str]], str]


def write_lines(
    form: Mapping[str, Any],
    header: Cells,
    rows: Sequence[Cells],
    trailer: Cells,
    *,
    newline: str = "\n",
    mark: bool = False,
) -> bytes:
    """The bytes of a file; `mark` puts the byte order mark that utf-8 may have."""
    put = _put_fixed(form) if form["type"] == "fixed" else _put_delimited(form)
    lines = [put(_texts(form, "header", header), columns_of(form, "header"))] if "header" in form else []
    if form["detail"].get("names"):
        lines.append(form["separator"].join(form["detail"]["columns"]))
    lines += [put(_texts(form, "detail", row), columns_of(form, "detail")) for row in rows]
    if "trailer" in form:
        lines.append(put(_texts(form, "trailer", trailer), columns_of(form, "trailer")))
    return _encode("".join(line + newline for line in lines), form.get("encoding", "gb18030"), mark)


def columns_of(form: Mapping[str, Any], kind: str) -> list[str]:
    """The columns of a kind of line, the mark's column included."""
    return list((form.get(kind) or {}).get("columns", ()))


def _texts(form: Mapping[str, Any], kind: str, cells: Cells) -> list[str]:
    texts = [cells.get(column, "") for column in columns_of(form, kind)]
    mark = form[kind].get("mark")
    return texts if mark is None else [mark, *texts[1:]]


def _put_delimited(form: Mapping[str, Any]) -> Put:
    separator: str = form["separator"]
    escape, quote = form.get("escape"), form.get("quote")

    def put(texts: Sequence[str], columns: Sequence[str]) -> str:
        return separator.join(cell(text, place) for place, text in enumerate(texts))

    def cell(text: str, place: int) -> str:
        if any(end in text for end in "\r\n"):
            raise MirrorError("a line end inside a cell is not agreed to")
        if escape is not None:
            return text.replace(separator, escape + separator)
        if quote is not None:
            # every third cell is quoted without need, as spreadsheets and report tools do
            needs = place > 0 and place % 3 == 0
            return (
                f"{quote}{text.replace(quote, quote * 2)}{quote}"
                if needs or {separator, quote} & found_in(text)
                else text
            )
        if separator in text:
            raise MirrorError("the separator stands inside a cell and nothing is agreed to escape it")
        return text

    def found_in(text: str) -> set[str]:
        return {piece for piece in (separator, quote) if piece and piece in text}

    return put


def _put_fixed(form: Mapping[str, Any]) -> Put:
    encoding = form.get("encoding", "gb18030")
    widths: dict[str, int] = {}
    for kind in ("header", "detail", "trailer"):
        widths |= {f"{kind}.{name}": width for name, width in ((form.get(kind) or {}).get("columns") or {}).items()}

    def put(texts: Sequence[str], columns: Sequence[str]) -> str:
        kind = next(kind for kind in ("header", "detail", "trailer") if columns_of(form, kind) == list(columns))
        return "".join(
            _pad(text, widths[f"{kind}.{name}"], encoding, name) for text, name in zip(texts, columns, strict=True)
        )

    return put


def _pad(text: str, width: int, encoding: str, name: str) -> str:
    """Text filled with spaces to its width in bytes; what does not fit is a fault of whoever invented it."""
    missing = width - len(text.encode(encoding))
    if missing < 0:
        raise MirrorError(f"a value of {name} needs {width - missing} bytes and {width} are agreed")
    return text + " " * missing


def fits(form: Mapping[str, Any], kind: str, column: str, text: str) -> bool:
    """Whether a text fits a fixed-width column; elsewhere everything does."""
    if form["type"] != "fixed":
        return True
    width = form[kind]["columns"].get(column)
    return width is None or len(text.encode(form.get("encoding", "gb18030"))) <= width


def _encode(text: str, encoding: str, mark: bool) -> bytes:
    if encoding == "utf-8":
        return text.encode("utf-8-sig" if mark else "utf-8")
    return text.encode(encoding)
