"""Files in Windows-1252, as Excel saves plain "CSV": read as such, told, and never guessed of other encodings."""

# ruff: noqa: RUF001 - these letters and signs are what is read.

from __future__ import annotations

from pathlib import Path

import pytest

from classwright.predict import LineEncoding, is_western
from classwright_tools.errors import InvalidInput
from classwright_tools.reading.files import read_as, read_file, table_form
from classwright_tools.reading.opening import Position
from classwright_tools.reading.rows import Columns

WESTERN = (
    "The café’s wi-fi is “down” again – that’s 20 € back, please… £5 or 3½ mugs don´t matter",
    "Die Größe paßt nicht, ich möchte die Bestellung im Škoda zurückschicken; 5 °C, § 4, „schön“",
    "L’élève a reçu un œuf à Noël, où ça ? « Voilà », 10\u00a0€",
    "¿Dónde está mi pedido? ¡Mañana! El 1º día, la niña pidió el menú",
    "Não recebi a encomenda, três opções: avó, avô, coração",
    "Perché è così? Città, caffè, più, già",
    "De reünie van de patiënt, één geïnteresseerde coöperatie",
    "Jag vill ha pengarna åter; på ön är det kallt, Älvsjö",
    "Jeg ønsker å få pengene tilbake, også for køen, Ærlig talt",
    "Tilaus ei ole saapunut, missä se on? Älä höpötä",
    "Col·legi, l’àvia, què",
)
OTHERS = (
    ("cp1250", "Nie dostałem paczki, proszę o zwrot pieniędzy za łóżko, źle działa"),
    ("cp1250", "Zásilka nedorazila, chci vrátit peníze, příliš žluťoučký kůň"),
    ("cp1250", "Nu am primit coletul, aş vrea banii înapoi pentru această ţară"),
    ("cp1250", "Paket nije stigao, želim vratiti novac, čovječe"),
    ("cp1251", "Где моя посылка? Верните деньги"),
    ("cp1253", "Πού είναι η παραγγελία μου;"),
    ("cp1254", "Siparişim gelmedi, paramı geri istiyorum, ağır"),
    ("cp1255", "איפה החבילה שלי"),
    ("cp1256", "أين طلبي؟"),
    ("mac_roman", "Die Größe paßt nicht, ich möchte zurückschicken"),
    ("mac_roman", "L’élève a reçu un œuf à Noël"),
    ("mac_roman", "I don’t know"),
    ("cp850", "Die Größe paßt nicht, ich möchte zurückschicken, fällt"),
    ("cp850", "élève, reçu, déjà"),
    ("gbk", "两杯咖啡"),
    ("shift_jis", "注文はどこですか"),
    ("euc_kr", "주문은 어디에 있나요"),
    ("koi8_r", "Где моя посылка"),
)


@pytest.mark.parametrize("text", WESTERN)
def test_a_line_of_western_europe_is_western(text: str) -> None:
    assert is_western(text.encode("cp1252"))


@pytest.mark.parametrize(("encoding", "text"), OTHERS)
def test_a_line_in_another_encoding_is_not(encoding: str, text: str) -> None:
    assert not is_western(text.encode(encoding))


def test_a_file_is_western_where_no_line_is_in_utf_8_and_none_is_foreign(tmp_path: Path) -> None:
    def told(*lines: bytes) -> LineEncoding:
        found = LineEncoding()
        for number, line in enumerate(lines, 1):
            found.take(number, line)
        return found

    cafe, polish = "café".encode("cp1252"), "łóżko".encode("cp1250")

    assert told(b"text", cafe, b"plain").is_western
    assert "line 2 are right" in told(b"text", cafe, cafe).remark("in.csv")
    assert not told(b"text", cafe, polish).is_western
    assert not told(b"text", cafe, "café".encode()).is_western
    assert not told(b"text", b"plain").is_western
    assert told(b"text").remark("in.csv") == ""


@pytest.mark.parametrize("name", ["rows.csv", "rows.tsv", "rows.jsonl"])
def test_such_a_file_is_read_with_its_letters_and_told_of(tmp_path: Path, name: str) -> None:
    path, long = tmp_path / name, "a parcel that is late " * 400
    texts = [long, "le café d’Hélène", "naïve"]
    lines = [f'{{"text": "{text}"}}' for text in texts] if name.endswith("jsonl") else ["text", *texts]
    path.write_bytes("".join(f"{line}\r\n" for line in lines).encode("cp1252"))

    assert [row.text for row in read_file(path, Columns("text", None), Position())] == [
        long if row == long else row for row in texts
    ]
    number = lines.index(next(line for line in lines if "café" in line)) + 1
    assert read_as(path, every_line=True) == (
        f"File {name!r} is not in UTF-8 and is read as Windows-1252, as which Excel saves 'CSV': look whether the "
        f"letters of line {number} are right; if not, save it as 'CSV UTF-8' and begin anew."
    )


def test_what_is_written_beside_a_western_table_has_the_mark_that_excel_needs(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_bytes("text;label\r\ncafé;drink\r\n".encode("cp1252"))

    form = table_form(path, Columns("text", "label"))

    assert (form.marked, form.delimiter, form.line_end) == (True, ";", "\r\n")


def test_a_file_in_an_encoding_that_is_not_read_is_refused_by_its_first_such_line(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_bytes("text\nfine\nłóżko\ncafé\n".encode("cp1250"))

    with pytest.raises(InvalidInput, match=r"file 'rows.csv': is not in UTF-8 \(line 3\). Save it as UTF-8"):
        list(read_file(path, Columns("text", None), Position()))


def test_a_letter_at_the_end_of_a_part_of_a_long_line_is_no_letter_of_utf_8() -> None:
    western, plain = LineEncoding(), LineEncoding()
    western.take(1, b"caf\xe9", whole=False)
    western.take(1, b" noir\n")
    plain.take(1, b"caf\xc3", whole=False)
    plain.take(1, b"\xa9 noir\n")

    assert western.broken
    assert not western.has_utf_8
    assert plain.has_utf_8
    assert not plain.broken
