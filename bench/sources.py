"""Reading a million rows of each kind of source into staging, beside the system's own export.

    python bench/sources.py [--full]

Each source is read in a process of its own, whose CPU and peak memory count. Quick: 100,000 rows;
`--full`: a million (Excel 200,000). PostgreSQL and MariaDB start here, if they are installed.
"""

from __future__ import annotations

import argparse
import json
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import duckdb
import psycopg
import xlsxwriter

from headrace.model.source_settings import Incremental, SourceSettings
from headrace.sources.registry import open_source

_RUNS = 3
"""The least of several runs counts, because the machine does other work too."""
TESTS = Path(__file__).parents[1] / "tests"
COLUMNS = (
    "id bigint, number varchar(20), customer_id int, total decimal(12,2), tax decimal(12,2), "
    "currency char(3), issued date, due date, created timestamp, updated timestamp, paid smallint, "
    "note varchar(200)"
)
ROW = (
    "n as id, 'INV-' || n as number, n % 5000 as customer_id, (n / 7.0)::decimal(12,2) as total, "
    "(n / 70.0)::decimal(12,2) as tax, 'EUR' as currency, date '2024-01-01' + (n % 700)::int as "
    "issued, date '2024-02-01' + (n % 700)::int as due, timestamp '2024-01-01 10:00:00' as "
    "created, timestamp '2024-01-01 11:00:00' + to_seconds(n) as updated, "
    "(n % 2)::smallint as paid, "
    "repeat('x', (n % 60)::int) as note"
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--full", action="store_true", help="a million rows")
    parser.add_argument("--stage", nargs=2, help=argparse.SUPPRESS)
    parser.add_argument("--again", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.again:
        _again(given.again)
        return
    if given.stage:
        _stage(*given.stage)
        return
    rows = 1_000_000 if given.full else 100_000
    with tempfile.TemporaryDirectory(prefix="bench-sources-") as name:
        folder = Path(name)
        csv = folder / "t.csv"
        duckdb.execute(f"copy (select {ROW} from range(1, {rows + 1}) t(n)) to '{csv}' (header)")
        _sqlite(folder, csv)
        _excel(folder, rows // 5)
        _json(folder, rows // 5)
        _programs(folder)
        sys.path.insert(0, str(TESTS))
        _postgres(csv, folder)
        _mariadb(csv)


def _stage(settings: str, name: str) -> None:
    """Read one table, in this process, and print what it took."""
    with tempfile.TemporaryDirectory() as folder:
        engine = duckdb.connect()
        engine.execute(
            f"set memory_limit = '400MB'; set preserve_insertion_order = false; "
            f"attach '{folder}/book.duckdb' as staging; use staging"
        )
        source = open_source(SourceSettings(**json.loads(settings)), Path())
        began, cpu = time.perf_counter(), time.process_time()
        counts = source.stage(engine, [name])
        took = time.perf_counter() - began
        spent = time.process_time() - cpu
        # Not ru_maxrss, which starts with the size of the process that started this one.
        status = Path("/proc/self/status").read_text()
        peak = int(status.partition("VmHWM:")[2].split()[0]) / 1024
        print(json.dumps({"rows": counts[name], "s": took, "cpu": spent, "mb": peak}))


def _read(name: str, **settings: str) -> dict[str, float]:
    command = [sys.executable, __file__, "--stage", json.dumps(settings), name]
    runs: list[dict[str, float]] = [
        json.loads(subprocess.check_output(command)) for _ in range(_RUNS)
    ]
    return min(runs, key=lambda run: run["s"])


def _sqlite(folder: Path, csv: Path) -> None:
    path = folder / "b.db"
    with closing(sqlite3.connect(path)) as database:
        database.execute(f"create table t ({COLUMNS})")
        marks = ", ".join("?" * 12)
        database.executemany(
            f"insert into t values ({marks})",
            duckdb.execute(
                f"select * replace (total::double as total, tax::double as tax, "
                f"issued::varchar as issued, due::varchar as due, created::varchar as "
                f"created, updated::varchar as updated) from '{csv}'"
            ).fetchall(),
        )
        database.commit()
    began = time.perf_counter()
    with closing(sqlite3.connect(path)) as database, (folder / "dump").open("w") as dump:
        for line in database.iterdump():
            dump.write(line + "\n")
    dumped = time.perf_counter() - began
    found = _read("t", kind="sql", url=f"sqlite:///{path}")
    _say("SQLite / its own dump", found, found["s"] / dumped, "at most 3", f"{dumped:.2f} s")


def _excel(folder: Path, rows: int) -> None:
    place = folder / "excel"
    place.mkdir()
    with xlsxwriter.Workbook(str(place / "t.xlsx"), {"constant_memory": True}) as book:
        sheet = book.add_worksheet()
        sheet.write_row(
            0, 0, ["id", "number", "total", "tax", "cur", "issued", "due", "paid", "note"]
        )
        for n in range(1, rows + 1):
            cells = [n, f"INV-{n}", n / 100, n / 1000, "EUR", "2026-01-31", "2026-02-28", n % 2]
            sheet.write_row(n, 0, [*cells, "x" * (n % 40)])
    found = _read("t", kind="files", path=str(place))
    _say(f"Excel, {rows:,} x 9 / bar", found, found["cpu"] / 6, "at most 1", "6 s CPU")


def _json(folder: Path, rows: int) -> None:
    place = folder / "json"
    place.mkdir()
    with (place / "t.jsonl").open("w") as file:
        for n in range(rows):
            record = {"id": f"in_{n}", "total": n, "rate": round(n / 7, 4), "paid": n % 2 == 0}
            record |= {"lines": [{"id": k, "amount": n} for k in range(3)], "meta": {"a": "x" * 50}}
            file.write(json.dumps(record) + "\n")
    found = _read("t", kind="files", path=str(place))
    speed = rows / found["s"]
    _say(
        "JSON objects a second / bar", found, speed / 20_000, "at least 1", f"{speed:,.0f} / 20,000"
    )


def _programs(folder: Path) -> None:
    """What workers cost in a process that goes on, beside the start of the first."""
    file = folder / "billing.py"
    file.write_text("def t(options):\n    for n in range(50):\n        yield {'id': n}\n")
    with ThreadingHTTPServer(("127.0.0.1", 0), _Api) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        client = {"base_url": f"http://127.0.0.1:{server.server_port}", "paginator": "single_page"}
        for what, bar, settings in (
            ("Python", 0.3, {"kind": "python", "path": str(file)}),
            ("REST", 0.2, {"kind": "rest", "options": {"client": client, "resources": ["t"]}}),
        ):
            command = [sys.executable, __file__, "--again", json.dumps(settings)]
            took = json.loads(subprocess.check_output(command))
            first, again = took[0], min(took[1:])
            print(
                f"{what}, 50 records read again / the first time: {again / first:.2f} (at most "
                f"{bar}): {again:.3f} / {first:.2f} s",
                flush=True,
            )
        server.shutdown()


class _Api(BaseHTTPRequestHandler):
    """Answers with fifty records."""

    def do_GET(self) -> None:
        body = json.dumps([{"id": n} for n in range(50)]).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def _again(settings: str) -> None:
    """Read one table several times, and print the seconds of each."""
    source, took = open_source(SourceSettings(**json.loads(settings)), Path()), list[float]()
    for _ in range(1 + 2 * _RUNS):
        began = time.perf_counter()
        source.stage(duckdb.connect(), ["t"])
        took.append(time.perf_counter() - began)
    print(json.dumps(took))


def _postgres(csv: Path, folder: Path) -> None:
    import postgres  # noqa: PLC0415 - the tests' own server

    with postgres.running_server({"listen_addresses": "127.0.0.1", "fsync": "off"}) as url:
        with psycopg.connect(url, autocommit=True) as database, database.cursor() as cursor:
            cursor.execute(f"create table t ({COLUMNS})".encode())
            with cursor.copy("copy t from stdin with (format csv, header)") as copy:
                copy.write(csv.read_bytes())
            cursor.execute("vacuum analyze t")
            copied = min(_copied(cursor, folder / "out") for _ in range(_RUNS))
        found = _read("t", kind="sql", url=url)
        whole, part = _changed(url)
    print(
        f"PostgreSQL, 1,000 changed by a cursor / everything: {part / whole:.3f} (at most 0.05): "
        f"{part:.3f} / {whole:.2f} s"
    )
    _say(
        "PostgreSQL / COPY to a file", found, found["s"] / copied, "at most 1.6", f"{copied:.2f} s"
    )


def _changed(url: str) -> tuple[float, float]:
    """Return the seconds to read everything, and then 1,000 rows that changed."""
    cursor = Incremental(cursor="updated", overlap="1s")
    settings = SourceSettings(kind="sql", url=url, incremental={"t": cursor})
    took = []
    with tempfile.TemporaryDirectory() as folder, psycopg.connect(url, autocommit=True) as database:
        database.execute("create index on t (updated)")
        engine = duckdb.connect()
        engine.execute(f"attach '{folder}/book.duckdb' as staging; use staging")
        for _ in range(2):
            began = time.perf_counter()
            open_source(settings, Path()).stage(engine, ["t"])
            took.append(time.perf_counter() - began)
            database.execute("update t set updated = '2026-01-01' where id <= 1000")
    return took[0], took[1]


def _copied(cursor: psycopg.Cursor, path: Path) -> float:
    began = time.perf_counter()
    with cursor.copy("copy t to stdout") as copy, path.open("wb") as out:
        for block in copy:
            out.write(block)
    return time.perf_counter() - began


def _mariadb(csv: Path) -> None:
    import mariadb  # noqa: PLC0415

    with ExitStack() as stack:
        try:
            url = stack.enter_context(mariadb.running_mariadb())
        except FileNotFoundError:
            print("MariaDB: not installed, not measured")
            return
        columns = COLUMNS.replace("timestamp", "datetime")
        rows = sum(1 for _ in csv.open("rb")) - 1
        made = (
            "seq, concat('INV-', seq), seq % 5000, round(seq / 7, 2), round(seq / 70, 2), 'EUR', "
            "date_add('2024-01-01', interval seq % 700 day), '2024-02-01', '2024-01-01 10:00:00', "
            "'2024-01-01 11:00:00', seq % 2, repeat('x', seq % 60)"
        )
        mariadb.run_mariadb(
            url,
            "create database b",
            "use b",
            f"create table b.t ({columns})",
            f"insert into b.t select {made} from seq_1_to_{rows}",
        )
        found = _read("t", kind="sql", url=f"{url}/b")
    _say("MariaDB / bar", found, found["cpu"] / 10, "at most 1", "10 s CPU")


def _say(what: str, found: dict[str, float], ratio: float, bar: str, beside: str) -> None:
    print(
        f"{what}: {ratio:.2f} ({bar}): {found['s']:.2f} s, {found['cpu']:.2f} s CPU, "
        f"{found['mb']:.0f} MB for {found['rows']:,.0f} rows / {beside}",
        flush=True,
    )


if __name__ == "__main__":
    main()
