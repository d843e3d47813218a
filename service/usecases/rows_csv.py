"""CSV as offices export it, read as a table of rows, and written so that it reads back the same."""

import csv
import io
import re
from collections.abc import Collection, Iterable, Iterator, Sequence

from service.errors import InvalidError
from service.usecases.rows import FIELDS, MOST_ROWS, Record, Table

_SEPARATORS = {";": "semicolon", ",": "comma", "\t": "tab"}
_FORMULA = re.compile(r"'*[=+\-@]")
"""How a cell begins that a spreadsheet might take for a formula, or that was kept from that by an apostrophe."""

Value = str | float | int | bool | None


def read_csv(data: bytes, names: Collection[str], encoding: str | None) -> Table:
    """The table in a CSV file. InvalidError where it is none.

    `names` are columns that we look for, in small letters: the separator with which most of them are found is taken.
    Without an `encoding` it is UTF-8, UTF-16 with a byte order mark, or else Windows-1252.
    """
    text, spoken = _text(data, encoding)
    lines = text.splitlines(keepends=True)
    skipped = 0
    if lines and (told := re.fullmatch(r"sep=([;,\t])", lines[0].strip("\r\n"))):
        separator, skipped = told[1], 1
    else:
        separator = max(_SEPARATORS, key=lambda mark: _fit(text, mark, names))
    rows = _rows(io.StringIO("".join(lines[skipped:]), newline=""), separator, skipped)
    header = next(rows, None)
    if header is None:
        raise InvalidError("the file is empty: its first line must name the columns")
    if header.fault:
        raise InvalidError(f"{header.where}: the names of the columns: {header.fault}")
    columns = tuple(cell or "" for cell in header.cells)
    while columns and not columns[-1]:
        columns = columns[:-1]
    records = []
    for row in rows:
        records.append(_fitted(row, len(columns)))
        if len(records) > MOST_ROWS:
            raise InvalidError(f"more than {MOST_ROWS} rows: divide the file")
    if not records:
        raise InvalidError("the file has no rows under its first line")
    return Table(columns, tuple(records), (f"read as {spoken}, separated by {_SEPARATORS[separator]}s",))


def _text(data: bytes, encoding: str | None) -> tuple[str, str]:
    if encoding is not None:
        tried: tuple[str, ...] = (encoding,)
    elif data.startswith((b"\xff\xfe", b"\xfe\xff")):
        tried = ("utf-16",)
    else:
        tried = ("utf-8-sig", "cp1252")
    for name in tried:
        try:
            text = data.decode(name).removeprefix("\ufeff")
        except LookupError:
            raise InvalidError(f"--encoding: {encoding} is not known; write cp1252 or utf-8") from None
        except UnicodeError:
            continue
        if name == "cp1252" and encoding is None:
            return text, "Windows-1252 (it is not UTF-8; if letters come out wrong, say --encoding)"
        return text, "UTF-8" if name == "utf-8-sig" else name
    raise InvalidError(f"it is not written in {' or '.join(tried)}: say which encoding it has by --encoding")


def _fit(text: str, separator: str, names: Collection[str]) -> tuple[int, int]:
    """How many columns that we look for, and how many at all, the first line has with a separator."""
    try:
        row = next(_rows(io.StringIO(text, newline=""), separator, 0), None)
    except InvalidError:
        return 0, 0
    cells = [] if row is None else [cell or "" for cell in row.cells]
    return sum(cell.casefold() in names for cell in cells), len(cells)


def _rows(file: io.StringIO, separator: str, before: int) -> Iterator[Record]:
    """All lines that are not empty; `before` lines of the file were read already."""
    reader = csv.reader(file, delimiter=separator, strict=True)
    while True:
        where = f"line {reader.line_num + before + 1}"
        try:
            cells = [cell.strip() for cell in next(reader)]
        except StopIteration:
            return
        except csv.Error as error:
            if "unexpected end" in str(error):
                raise InvalidError(f"{where}: a quotation mark is opened there and never closed") from error
            fault = "a cell is far too long" if "larger than" in str(error) else "quotation marks do not fit together"
            yield Record(where, (), f'{fault}: write "" for one within quoted text')
            continue
        if any(cells):
            yield Record(where, cells)


def _fitted(row: Record, width: int) -> Record:
    """The row with as many cells as there are columns, or without any where nobody knows which belongs where."""
    if row.fault:
        return row
    if len(row.cells) < width or any(row.cells[width:]):
        had = max((n for n, cell in enumerate(row.cells, start=1) if cell), default=0)
        had = had if had > width else len(row.cells)
        why = "is a separator in a text without quotes?" if had > width else "is it cut off?"
        return Record(row.where, (), f"{had} cells, but {width} columns: {why}")
    return Record(row.where, [_plain(cell or "") for cell in row.cells[:width]])


def _plain(cell: str) -> str:
    """The cell without the apostrophe that keeps spreadsheets from taking it for a formula."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell


def write_csv(rows: Iterable[Sequence[Value]], decimal_comma: bool) -> str:
    """The CSV of rows in the order of our columns: commas and decimal points, or semicolons and decimal commas.

    Text that begins with = + - or @ gets an apostrophe before it, so that no spreadsheet runs it as a formula.
    """
    out = io.StringIO()
    if decimal_comma:
        out.write("\ufeff")
    writer = csv.writer(out, delimiter=";" if decimal_comma else ",", lineterminator="\n")
    writer.writerow(FIELDS)
    for row in rows:
        writer.writerow([_cell(value, decimal_comma) for value in row])
    return out.getvalue()


def _cell(value: Value, decimal_comma: bool) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return f"'{value}" if _FORMULA.match(value) else value
    text = str(int(value)) if isinstance(value, float) and value.is_integer() and abs(value) < 1e15 else repr(value)
    return text.replace(".", ",") if decimal_comma else text
