"""Everything to Upflow, one request after the other, as its guide recommends for a first import.

Retries as the guide says, 429 included. Run: python sync.py QUERIES, a folder
"""

import os
import sqlite3
import sys
from pathlib import Path

import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

ENTITIES = ("customers", "invoices", "credit_notes", "payments", "refunds")
RETRY = Retry(
    total=8,
    backoff_factor=1,
    status_forcelist=(429, 500, 502, 503, 504),
    allowed_methods=None,
    raise_on_status=False,
)


def main() -> None:
    database = sqlite3.connect(os.environ["BILLING_DATABASE"])
    session = requests.Session()
    session.headers.update(
        {
            "X-Api-Key": os.environ["UPFLOW_KEY"],
            "X-Api-Secret": os.environ["UPFLOW_SECRET"],
            "Content-Type": "application/json",
        }
    )
    session.mount("http://", HTTPAdapter(max_retries=RETRY))
    refused = 0
    for entity in ENTITIES:
        query = Path(sys.argv[1], f"{entity}.sql").read_text(encoding="utf-8")
        database.row_factory = sqlite3.Row
        for row in database.execute(query):
            url = f"{os.environ['UPFLOW_URL']}/{entity}"
            answer = session.post(url, data=row["payload"].encode(), timeout=60)
            if not answer.ok:
                refused += 1
                print(f"{entity} {row['external_id']}: {answer.status_code} {answer.text}")
    sys.exit(f"{refused} refused" if refused else None)


if __name__ == "__main__":
    main()
