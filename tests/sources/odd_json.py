"""Odd values as a JSON API or a tap writes them, and how they arrive: exact, or named as text."""

ODD = [
    ("1", "BIGINT", 1),
    ("9007199254740993", "BIGINT", 2**53 + 1),
    ("18446744073709551615", "VARCHAR", "18446744073709551615"),
    ("123456789012345678901234567890", "VARCHAR", "123456789012345678901234567890"),
    ("1234567890123456.78", "VARCHAR", "1234567890123456.78"),
    ("0.1", "DOUBLE", 0.1),
    ("10.50", "DOUBLE", 10.5),
    ("1e400", "VARCHAR", "1e400"),
    ("3.0", "BIGINT", 3),
    ('"0100"', "VARCHAR", "0100"),
    ('"12345678901234567890.12"', "VARCHAR", "12345678901234567890.12"),
    ('"0000-00-00"', "VARCHAR", "0000-00-00"),
    ('"2026-01-31T10:30:00+02:00"', "VARCHAR", "2026-01-31T10:30:00+02:00"),
    ('"838:59:59"', "VARCHAR", "838:59:59"),
    ('"NaN"', "VARCHAR", "NaN"),
    ('"Müller \\ud83d\\ude00"', "VARCHAR", "Müller 😀"),
    ('"cut \\ud83d"', "VARCHAR", "cut \ufffd"),
    ('"a\\nb\\tc\\"d"', "VARCHAR", 'a\nb\tc"d'),
    ('"\\u00ff"', "VARCHAR", "ÿ"),
    ('""', "VARCHAR", ""),
    ("true", "BOOLEAN", True),
    ("null", "VARCHAR", None),
    ('{"a": 1.10, "b": [null, "é"]}', "JSON", '{"a":1.1,"b":[null,"é"]}'),
    ("[]", "JSON", "[]"),
]
"""The text of a value, the type of its column, and the value there."""


def odd_record() -> str:
    """One record with a column for each value."""
    listed = ", ".join(f'"c{place}": {text}' for place, (text, *_) in enumerate(ODD))
    return f'{{"id": 1, {listed}}}'


def arrived(relation: object) -> list[tuple[str, object]]:
    """The type and value of each column of the one row that a relation has."""
    chosen = relation.select(", ".join(f"c{n}" for n in range(len(ODD))))  # type: ignore[attr-defined]
    (row,) = chosen.fetchall()
    return list(zip(map(str, chosen.types), row, strict=True))
