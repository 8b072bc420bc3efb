"""The bindings over HTTP: what they take, what they refuse, and what they hand out."""

from tests.crash.crash_script import both
from tests.integration.functions.deployed_app import KEY, Deployed


async def test_a_new_swarm_is_accepted_and_found_where_it_is_said_to_be(deployed: Deployed) -> None:
    answer = await deployed.call("POST", "swarms", json={"directive": both("Write a.md")})
    assert (answer.status, answer.type) == (202, "application/json")
    path = answer.headers["Location"].removeprefix("/api/v1/")
    found = await deployed.call("GET", path)
    assert found.status == 200
    assert found.json["swarm_id"] == answer.json["swarm_id"]
    assert found.json["user_id"] == "ada"


async def test_faults_of_a_body_name_their_fields(deployed: Deployed) -> None:
    bodies = {
        "directive": {"directive": 7},
        "context.0.content": {"directive": "x", "context": [{"name": "a.md", "content": 5}]},
        "limits.nodes": {"directive": "x", "limits": {"nodes": "many"}},
        "user_id": {"directive": "x", "user_id": "bob"},
    }
    for field, body in bodies.items():
        answer = await deployed.call("POST", "swarms", json=body)
        assert (answer.status, answer.type) == (400, "application/problem+json"), field
        assert answer.json["detail"].startswith(f"{field}: "), answer.json
    assert (await deployed.call("GET", "swarms")).json["items"] == []


async def test_nobody_is_let_in_without_a_configured_user(deployed_for_nobody: Deployed) -> None:
    for method, path in (("GET", "health"), ("GET", "swarms"), ("POST", "swarms"), ("POST", "swarms/x/cancel")):
        answer = await deployed_for_nobody.call(method, path, data=b"{}")
        assert (answer.status, answer.type) == (401, "application/problem+json")
        assert KEY.encode() not in answer.body


async def test_requests_that_another_site_makes_a_browser_send_are_refused(deployed: Deployed) -> None:
    for site in ("cross-site", "same-site"):
        headers = {"Sec-Fetch-Site": site, "Content-Type": "text/plain"}
        answer = await deployed.call("POST", "swarms", data=b'{"directive": "Spend"}', headers=headers)
        assert (answer.status, answer.type) == (403, "application/problem+json")
    assert (await deployed.call("GET", "swarms")).json["items"] == []
    assert (await deployed.call("GET", "swarms", headers={"Sec-Fetch-Site": "same-origin"})).status == 200


async def test_a_foreign_name_is_refused_before_the_app(deployed: Deployed) -> None:
    answer = await deployed.call("GET", "health", headers={"Host": "swarm.example"})
    assert answer.status == 421


async def test_an_artifact_is_handed_out_as_a_file(deployed: Deployed) -> None:
    swarm_id = await deployed.create(both("Write a.md", "Program b.py"))
    await deployed.events(swarm_id, "never")
    listed = (await deployed.call("GET", f"swarms/{swarm_id}/artifacts")).json["items"]
    assert {item["name"] for item in listed} == {"a.md", "b.py"}
    for item in listed:
        answer = await deployed.call("GET", f"swarms/{swarm_id}/artifacts/{item['artifact_id']}/content")
        assert answer.status == 200
        assert answer.type == item["media_type"].partition(";")[0]
        assert answer.headers["Content-Disposition"].startswith("attachment")
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Content-Security-Policy"] == "sandbox; default-src 'none'"
        assert len(answer.body) == item["size"]


async def test_health_tells_what_it_runs_on_and_no_key(deployed: Deployed) -> None:
    answer = await deployed.call("GET", "health")
    assert answer.status == 200
    assert answer.json["status"] == "ok"
    assert answer.json["model"]["base_url_host"] == "127.0.0.1"
    assert KEY.encode() not in answer.body


async def test_no_answer_of_a_whole_run_tells_the_key(deployed: Deployed) -> None:
    swarm_id = await deployed.create(both("Write a.md"))
    await deployed.events(swarm_id, "never")
    for path in ("", "/tree", "/nodes/0", "/nodes/0.0.0", "/events", "/questions", "/artifacts"):
        answer = await deployed.call("GET", f"swarms/{swarm_id}{path}")
        assert answer.status == 200
        assert KEY.encode() not in answer.body
