"""HTTP and timer triggers over real sockets."""

import asyncio
import zlib
from io import BytesIO

import aiohttp
import pytest
from aiohttp import web
from multidict import CIMultiDict

from local.host.body import HELD, Bodies


@pytest.fixture
async def site(serve, monkeypatch):
    monkeypatch.setenv("NIGHTLY", "0 0 3 * * *")
    host = await serve("web", body_limit=1000)
    host.module.TICKS.clear()
    host.module.GATE.set()
    return host


async def test_a_function_sees_the_whole_request(site):
    headers = CIMultiDict([("X-Test", "one"), ("X-Test", "two")])
    status, seen = await site.call("POST", "api/Echo/abc/7?q=a%20b&r=1&r=2", data=b"hi", headers=headers)
    assert status == 200
    assert seen == {
        "method": "POST",
        "url": f"{site.url}/api/Echo/abc/7?q=a%20b&r=1&r=2",
        "route": {"word": "abc", "number": "7"},
        "query": {"q": "a b", "r": "1,2"},
        "agent": "one, two",
        "body": "hi",
    }


async def test_a_compressed_body_reaches_the_function_as_it_came(site):
    packed = zlib.compress(b"hi")
    status, seen = await site.call("POST", "api/echo/abc", data=packed, headers={"Content-Encoding": "deflate"})
    assert (status, seen["body"].encode("latin-1")) == (200, packed)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("api/echo/fixed", "the literal route"),
        ("api/files/a/b%2Fc.txt", "a/b/c.txt"),
        ("api/files", "none"),
        ("api/files/", "none"),
        ("api/sized/abc", "abc"),
        ("api/sync", "sync"),
        ("api/own-timeout", "its own"),
    ],
)
async def test_routes(site, path, expected):
    async with site.session.get(aiohttp.client.URL(f"{site.url}/{path}", encoded=True)) as reply:
        assert (reply.status, await reply.text()) == (200, expected)


@pytest.mark.parametrize("path", ["echo/abc", "api/echo/abc1", "api/echo/abc/x", "api/sized/abcde", "api", ""])
async def test_what_fits_no_route_is_a_404_problem(site, path):
    async with site.session.get(f"{site.url}/{path}") as reply:
        assert reply.status == 404
        assert reply.content_type == "application/problem+json"
        assert (await reply.json(content_type=None))["title"] == "Not Found"


async def test_an_optional_segment_may_be_missing(site):
    assert (await site.call("GET", "api/echo/abc"))[1]["route"] == {"word": "abc"}
    assert (await site.call("GET", "api/echo/abc/"))[1]["route"] == {"word": "abc"}


async def test_a_wrong_method_names_the_right_ones(site):
    async with site.session.delete(f"{site.url}/api/echo/abc") as reply:
        assert reply.status == 405
        assert reply.headers["Allow"] == "GET, POST"


async def test_a_function_without_route_or_methods_takes_its_name_and_all_of_them(site):
    for method in ("GET", "POST", "PUT", "DELETE", "PATCH"):
        assert await site.call(method, "api/unrouted") == (201, method)


async def test_cookies_are_sent_one_by_one(site):
    async with site.session.get(f"{site.url}/api/cookies") as reply:
        assert reply.headers.getall("Set-Cookie") == ["a=1; HttpOnly; Path=/", "b=2; SameSite=Strict"]


@pytest.mark.parametrize("name", ["broken", "nothing", "hangs"])
async def test_a_failure_is_a_500_problem_without_a_traceback(site, name, caplog):
    status, reply = await site.call("GET", f"api/{name}")
    assert status == 500
    assert "secret" not in str(reply)
    assert "Traceback" not in str(reply)
    invocation = reply["detail"].split()[-1].rstrip(".")
    assert f"{name} failed, invocation {invocation}" in caplog.text


async def test_a_body_over_the_limit_is_refused(site):
    assert (await site.call("POST", "api/echo/abc", data=b"x" * 1000))[0] == 200
    status, reply = await site.call("POST", "api/echo/abc", data=b"x" * 1001)
    assert (status, reply["status"]) == (413, 413)

    async def chunks():
        for _ in range(20):
            yield b"x" * 100

    assert (await site.call("POST", "api/echo/abc", data=chunks()))[0] == 413


@pytest.mark.parametrize("size", [HELD - 1, HELD, HELD + 1, 3 * HELD + 7])
async def test_a_body_arrives_whole_whatever_its_size(serve, monkeypatch, size):
    monkeypatch.setenv("NIGHTLY", "0 0 3 * * *")
    site = await serve("web", body_limit=4 * HELD)
    text = "".join(f"{number:07x} " for number in range(size // 8 + 1))[:size]

    async def chunks():
        for start in range(0, size, 50_000):
            yield text[start : start + 50_000].encode()

    for data in (BytesIO(text.encode()), chunks()):
        status, seen = await site.call("POST", "api/echo/abc", data=data)
        assert status == 200
        assert seen["body"] == text


async def test_few_large_bodies_are_in_memory_at_once():
    bodies, most, present = Bodies(4 * HELD, 2), 0, 0

    async def take(request):
        nonlocal most, present
        async with bodies.of(request) as body:
            present += 1
            most = max(most, present)
            await asyncio.sleep(0.02)
            present -= 1
            return web.Response(text=str(len(body)))

    runner = web.ServerRunner(web.Server(take))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/"
    async with aiohttp.ClientSession() as session:

        async def send(size):
            async with session.post(url, data=BytesIO(b"x" * size)) as reply:
                return int(await reply.text())

        sizes = [2 * HELD + number for number in range(8)]
        assert await asyncio.gather(*(send(size) for size in sizes)) == sizes
        assert most == 2
        most = 0
        assert await asyncio.gather(*(send(10) for _ in range(8))) == [10] * 8
        assert most > 2
    await runner.cleanup()


async def test_a_sync_function_does_not_hold_up_others(site):
    site.module.GATE.clear()
    slow = asyncio.create_task(site.call("GET", "api/sync"))
    await asyncio.sleep(0.05)
    assert (await site.call("GET", "api/echo/fixed"))[0] == 200
    assert not slow.done()
    site.module.GATE.set()
    assert (await slow)[1] == "sync"


async def test_a_name_that_is_not_this_host_s_is_refused(site):
    """A web page whose name is rebound to 127.0.0.1 must not reach the host."""
    for host, expected in (("evil.example", 421), ("evil.example:80", 421), ("localhost:1", 200), ("[::1]:1", 200)):
        assert (await site.call("GET", "api/echo/fixed", headers={"Host": host}))[0] == expected


async def test_the_invocation_context_is_injected(site):
    name, invocation = (await site.call("GET", "api/who"))[1].split()
    assert name == "who"
    assert len(invocation) == 36


async def ticks(site, count):
    """Whether each run of the every-second timer was past due, once there are `count` of them."""
    async with asyncio.timeout(5):
        while True:
            late = [late for name, late, _ in site.module.TICKS if name == "second"]
            if len(late) >= count:
                return late
            await asyncio.sleep(0.01)


async def test_timers_run_on_schedule_and_on_startup(site):
    await ticks(site, 2)
    assert [late for name, late, _ in site.module.TICKS if name == "nightly"] == [False]
    status = site.module.TICKS[-1][2]
    assert status["Last"] < status["Next"]
    assert site.rows("schedules") == 2


async def test_a_run_missed_while_no_host_ran_is_past_due(site):
    await site.stop()
    await asyncio.sleep(1.2)
    site.module.TICKS.clear()
    await site.start()
    assert (await ticks(site, 1))[0] is True


async def test_a_second_host_on_the_same_state_does_not_start(site):
    from local.host import Host, StateInUse

    with pytest.raises(StateInUse, match="already uses"):
        await Host(site.root, site.state).start()
    assert (await site.call("GET", "api/echo/fixed"))[0] == 200
