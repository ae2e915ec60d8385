"""A Singer target for Upflow: one request per record, in the order in which they come."""

from typing import Any

import requests
from requests.adapters import HTTPAdapter
from singer_sdk import RecordSink, Target
from singer_sdk import typing as th
from urllib3.util import Retry

RETRY = Retry(
    total=8,
    backoff_factor=1,
    status_forcelist=(429, 500, 502, 503, 504),
    allowed_methods=None,
    raise_on_status=False,
)


class UpflowSink(RecordSink):
    """Posts each record to the endpoint of its stream."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._session = requests.Session()
        self._session.mount("http://", HTTPAdapter(max_retries=RETRY))
        self._session.headers.update(
            {
                "X-Api-Key": self.config["key"],
                "X-Api-Secret": self.config["secret"],
                "Content-Type": "application/json",
            }
        )

    def process_record(self, record: dict[str, Any], context: dict[str, Any]) -> None:
        url = f"{self.config['url']}/{self.stream_name}"
        answer = self._session.post(url, data=record["payload"].encode(), timeout=60)
        if not answer.ok:
            self.logger.error("%s: %s %s", record["external_id"], answer.status_code, answer.text)


class TargetUpflow(Target):
    """Upflow's API."""

    name = "target-upflow"
    config_jsonschema = th.PropertiesList(
        th.Property("url", th.StringType, required=True),
        th.Property("key", th.StringType, required=True, secret=True),
        th.Property("secret", th.StringType, required=True, secret=True),
    ).to_dict()
    default_sink_class = UpflowSink


if __name__ == "__main__":
    TargetUpflow.cli()
