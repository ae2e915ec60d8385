"""What models may call: exact or NULL."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.book.book import Book
from headrace.model.money import EXPONENTS


@pytest.fixture(scope="module", params=[0, 100_000], ids=["few rows", "many rows"])
def book(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Book]:
    with Book(tmp_path_factory.mktemp("book") / "cache.duckdb") as opened:
        opened.allot(request.param)
        yield opened


@pytest.fixture(scope="module")
def few_and_many(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Book, Book]]:
    folder = tmp_path_factory.mktemp("books")
    with Book(folder / "few.duckdb") as few, Book(folder / "many.duckdb") as many:
        many.allot(100_000)
        yield few, many


def value(book: Book, sql: str) -> object:
    return value_of(book, f"select {sql}")


def value_of(book: Book, sql: str) -> object:
    return book.connection.execute(sql).fetchall()[0][0]


@pytest.mark.parametrize(
    ("call", "result"),
    [
        ("minor('12.258', 'LYD')", 12258),
        ("minor('19.99', 'EUR')", 1999),
        ("minor(19.99::double, 'EUR')", 1999),
        ("minor((0.1::double + 0.2::double), 'EUR')", 30),
        ("minor(1500, 'JPY')", 1500),
        ("minor('1500.5', 'JPY')", None),
        ("minor('0.005', 'EUR')", None),
        ("minor('ten', 'EUR')", None),
        ("minor(null, 'EUR')", None),
        ("minor('-12.05', 'EUR')", -1205),
        ("minor('90071992547409.93', 'EUR')", 2**53 + 1),
        ("minor('99999999.9999', 'CLF')", 999_999_999_999),
        ("minor('100000000.0001', 'CLF')", 1_000_000_000_001),
        ("minor('100000000.001', 'EUR')", None),
        ("minor('500000000000.00', 'EUR')", 50_000_000_000_000),
        ("minor('123456789012345678901234567890', 'EUR')", None),
        ("minor('1500', 'jpy')", 1500),
        ("minor_rounded(106.7545, 'EUR')", 10675),
        ("minor_rounded(106.7545::decimal(38, 10), 'EUR')", 10675),
        ("minor_rounded('106.7545', 'JPY')", 107),
        ("minor_rounded('-0.005', 'EUR')", -1),
        ("minor_rounded('0.005', 'EUR')", 1),
        ("minor_rounded('0.00499999999999', 'EUR')", 0),
        ("minor_rounded(0.145::double, 'EUR')", 15),
        ("minor_rounded(1.005::double, 'EUR')", 101),
        ("minor_rounded('12.2584', 'KWD')", 12258),
        ("minor_rounded('1.377,58', 'EUR')", None),
        ("minor_rounded('1e30', 'EUR')", None),
        ("minor_rounded(null, 'EUR')", None),
        ("minor_units(1200000, 'ISK', 'stripe')", 12000),
        ("minor_units('5000000', 'ugx', 'stripe')", 50000),
        ("minor_units(70000, 'MGA', 'stripe')", 7000000),
        ("minor_units(1200050, 'ISK', 'stripe')", None),
        ("minor_units(9000, 'JPY', 'stripe')", 9000),
        ("minor_units(1250, 'EUR', 'stripe')", 1250),
        ("minor_units(12345, 'KWD', 'stripe')", 12345),
        ("minor_units(1500000, 'HUF', 'stripe')", 1500000),
        ("minor_units(-500, 'CLP', 'adyen')", -5),
        ("minor_units(5, 'IDR', 'adyen')", 500),
        ("minor_units(5, 'CVE', 'adyen')", 500),
        ("minor_units(500, 'ISK', 'adyen')", 5),
        ("minor_units(500, 'ISK', 'iso')", 500),
        ("minor_units('12.5', 'EUR', 'iso')", None),
        ("minor_units('x', 'EUR', 'iso')", None),
        ("minor_units(9223372036854775807, 'MGA', 'stripe')", None),
        ("minor_of_fraction(2500, 100, 'EUR')", 2500),
        ("minor_of_fraction(12258, 1000, 'LYD')", 12258),
        ("minor_of_fraction(1, 3, 'EUR')", None),
        ("minor_of_fraction(-7, 2, 'JPY')", None),
        ("minor_of_fraction(-7, 2, 'EUR')", -350),
        ("money(-1205, 'EUR')", "EUR -12.05"),
        ("money(5, 'KWD')", "KWD 0.005"),
        ("money(-1500, 'JPY')", "JPY -1500"),
    ],
)
def test_an_amount_is_exact_or_null(book: Book, call: str, result: object) -> None:
    assert value(book, call) == result


@pytest.mark.parametrize(
    ("call", "result"),
    [
        ("plain_id(7)", "7"),
        ("plain_id(7.0::double)", "7"),
        ("plain_id(7.0000000000::decimal(38, 10))", "7"),
        ("plain_id('7.0')", "7"),
        ("plain_id(7.5::double)", None),
        ("plain_id('A-7')", "A-7"),
        ("plain_id(null::bigint)", None),
        ("country_name('FR')", "France"),
        ("country_name('deu')", "Germany"),
        ("country_name(' uk ')", "United Kingdom"),
        ("country_name('France')", "France"),
        ("country_name('XX')", "XX"),
        ("country_name(null)", None),
    ],
)
def test_ids_and_countries_are_written_as_they_should_be(
    book: Book, call: str, result: object
) -> None:
    assert value(book, call) == result


def test_the_engine_knows_every_currencys_scale(book: Book) -> None:
    for code, exponent in EXPONENTS.items():
        assert value(book, f"minor_scale('{code}')") == 10**exponent, code


def test_a_second_book_on_the_same_file_says_who_holds_it(tmp_path: Path) -> None:

    script = (
        "import sys; from pathlib import Path; from headrace.book.book import Book\n"
        "from headrace.model.errors import Busy\n"
        "try: Book(Path(sys.argv[1]))\n"
        "except Busy as error: print(error)"
    )
    with Book(tmp_path / "acme" / "cache.duckdb"):
        said = subprocess.run(
            [sys.executable, "-c", script, str(tmp_path / "acme" / "cache.duckdb")],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
    assert "Another command works on acme" in said


@pytest.mark.parametrize(
    ("given", "tidied"),
    [
        ("a b", "a b"),
        (" a", "a"),
        ("a ", "a"),
        ("\N{NO-BREAK SPACE}a", "a"),
        ("a\N{IDEOGRAPHIC SPACE}", "a"),
        ("é ", "é"),
        ("~", "~"),
        ("\ta", "\ta"),
        ("", None),
        ("  ", None),
        (None, None),
    ],
)
def test_a_text_is_tidied(book: Book, given: str | None, tidied: str | None) -> None:
    found = book.connection.execute("select tidy($1::varchar)", [given]).fetchall()
    assert found == [(tidied,)]


@pytest.mark.parametrize(
    ("given", "written"),
    [
        (" 7.00 ", "7"),
        ("-7.0", "-7"),
        ("7.50", "7.50"),
        ("A.0", "A.0"),
        ("7.", "7."),
        ("7.0\n", "7.0\n"),
        ("\N{NO-BREAK SPACE}12.0", "12"),
        (".0", ".0"),
        ("1.2.0", "1.2.0"),
        ("1.0\x00", "1.0\x00"),
        (" ", None),
        (None, None),
    ],
)
def test_a_text_is_written_as_an_id(book: Book, given: str | None, written: str | None) -> None:
    found = book.connection.execute("select tidy_id($1::varchar)", [given]).fetchall()
    assert found == [(written,)]


# To bind the macros takes far longer than to call them: few examples, of many values each.
@settings(max_examples=25, deadline=None)
@given(
    texts=st.lists(
        st.text(alphabet=" .0123-+eE\t\nAé\N{NO-BREAK SPACE}\x00", max_size=8), min_size=20
    ),
    numbers=st.lists(st.floats() | st.integers(-(2**63), 2**63 - 1), min_size=20),
)
def test_macros_for_few_rows_and_for_many_return_the_same(
    few_and_many: tuple[Book, Book], texts: list[str], numbers: list[float]
) -> None:
    texts = [*texts, *map(str, numbers)]
    values = [float(number) for number in numbers]
    of_texts = (
        "select tidy(t), whole_text(t), tidy_id(t), minor(t, 'EUR'), minor(t, 'JPY'), "
        "minor(t, 'CLF') from (select unnest($1::varchar[]) as t)"
    )
    of_numbers = (
        "select plain_id(n), minor(n, 'EUR'), minor(n, 'KWD'), "
        "minor(try_cast(n as decimal(18, 3)), 'EUR') from (select unnest($1::double[]) as n)"
    )
    few, many = few_and_many
    defined = "select macro_definition from duckdb_functions() where function_name = 'tidy_id'"
    assert value_of(few, defined) != value_of(many, defined)
    for sql, arguments in ((of_texts, texts), (of_numbers, values)):
        expected = few.connection.execute(sql, [arguments]).fetchall()
        assert many.connection.execute(sql, [arguments]).fetchall() == expected
