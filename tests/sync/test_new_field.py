"""A new field of a record needs its row and nothing else."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import headrace

_HERE = Path(__file__).parent
_PROGRAM = Path(headrace.__file__).parent
_RECORDS = {
    "customer": "vat_number",
    "contact": "last_name",
    "invoice": "name",
    "credit_note": "name",
    "transaction": "ref_number",
}
"""Module to a field beside which the new one goes; payments and refunds share theirs."""


def test_a_row_carries_a_field_from_the_source_to_the_hub_and_clears_it(tmp_path: Path) -> None:
    copy = tmp_path / "src" / "headrace"
    shutil.copytree(_PROGRAM, copy)  # with what is compiled, which takes most of a second
    for module, beside in _RECORDS.items():
        path = copy / "model" / f"{module}.py"
        row = '    po_number: Annotated[str | None | UnsetType, Sent(clears="null")] = UNSET\n'
        text, added = re.subn(
            rf"^(?=    {beside}: Annotated)", row, path.read_text("utf-8"), count=1, flags=re.M
        )
        assert added == 1
        path.write_text(text, "utf-8")
    done = subprocess.run(
        [sys.executable, str(_HERE / "new_field.py"), str(tmp_path)],
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join(map(str, (copy.parent, _HERE, _HERE.parent))),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    tables = ("customers", "contacts", "invoices", "credit_notes", "payments", "refunds")
    expected = {table: ["PO 1", "PO 2", None, "PO 3"] for table in tables}
    assert json.loads(done.stdout) == {"kept": expected, "lost": expected}
