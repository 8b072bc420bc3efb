"""Lists of more than one page, as the command line takes them."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest

from cli.api import Api
from cli.failures import CliError

NODE = {"action_id": "writing.write_document", "directive": "Write.", "status": "acting"}


class Pages(BaseHTTPRequestHandler):
    """Three artifacts or nodes, one a page; the swarm `endless` never comes to an end."""

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        page = int(parse_qs(address.query).get("cursor", ["0"])[0])
        more = page < 2 or "endless" in address.path
        item = {"artifact_id": f"0-{page}", "node_id": "0", "name": f"{page}.md"}
        found = (
            {"frame": page, "nodes": [NODE | {"node_id": f"0.{page}"}]} if "tree" in address.path else {"items": [item]}
        )
        body = json.dumps(found | {"cursor": str(page + 1) if more else None}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing is told."""


@pytest.fixture
def url() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Pages) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_every_page_is_taken(url: str) -> None:
    with Api(url) as api:
        found = api.artifacts("some")
    assert [item.artifact_id for item in found.items] == ["0-0", "0-1", "0-2"]
    assert found.cursor is None


def test_a_tree_is_taken_whole(url: str) -> None:
    with Api(url) as api:
        found = api.tree("some")
    assert [node.node_id for node in found.nodes] == ["0.0", "0.1", "0.2"]
    assert (found.frame, found.cursor) == (2, None)


def test_a_list_without_end_is_not_followed_for_ever(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cli.transport.MAX_PAGES", 5)
    with Api(url) as api, pytest.raises(CliError, match="5 pages"):
        api.artifacts("endless")
