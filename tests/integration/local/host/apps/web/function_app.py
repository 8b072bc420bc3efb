"""HTTP and timer functions of every shape the host serves."""

import asyncio
import json
import logging
import threading

import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)

TICKS: list[tuple[str, bool, dict]] = []
#: What the sync function waits for.
GATE = threading.Event()


@app.route("echo/{word:alpha}/{number:int?}", methods=["GET", "POST"])
async def echo(req: func.HttpRequest) -> func.HttpResponse:
    seen = {
        "method": req.method,
        "url": req.url,
        "route": dict(req.route_params),
        "query": dict(req.params),
        "agent": req.headers.get("x-test"),
        "body": req.get_body().decode("latin-1"),
    }
    return func.HttpResponse(json.dumps(seen), mimetype="application/json")


@app.route("echo/fixed", methods=["GET"])
async def fixed(req: func.HttpRequest) -> str:
    return "the literal route"


@app.route("files/{*path}", methods=["GET"])
def files(req: func.HttpRequest) -> str:
    return req.route_params.get("path", "none")


@app.route("sized/{name:length(2,4)}", methods=["GET"])
async def sized(req: func.HttpRequest) -> str:
    return req.route_params["name"]


@app.route()
async def unrouted(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(req.method, status_code=201, headers={"X-Made": "yes"})


@app.route("cookies")
async def cookies(req: func.HttpRequest) -> func.HttpResponse:
    response = func.HttpResponse("baked")
    response.headers.add("Set-Cookie", "a=1; Path=/; HttpOnly")
    response.headers.add("Set-Cookie", "b=2; SameSite=Strict")
    return response


@app.route("nothing")
async def nothing(req: func.HttpRequest) -> func.HttpResponse:
    return None


@app.route("broken")
async def broken(req: func.HttpRequest) -> func.HttpResponse:
    raise RuntimeError("a secret that no caller may see")


@app.route("hangs")
async def hangs(req: func.HttpRequest) -> func.HttpResponse:
    await asyncio.sleep(60)


@app.route("own-timeout")
async def own_timeout(req: func.HttpRequest) -> str:
    try:
        async with asyncio.timeout(0.01):
            await asyncio.sleep(60)
    except TimeoutError:
        return "its own"
    return "none"


@app.route("sync")
def sync(req: func.HttpRequest) -> str:
    GATE.wait(1.5)
    return "sync"


@app.route("who")
async def who(req: func.HttpRequest, context: func.Context) -> str:
    logging.getLogger("app").info("asked who")
    return f"{context.function_name} {context.invocation_id}"


@app.timer_trigger(arg_name="timer", schedule="* * * * * *")
async def every_second(timer: func.TimerRequest) -> None:
    TICKS.append(("second", timer.past_due, timer.schedule_status))


@app.timer_trigger(arg_name="timer", schedule="%NIGHTLY%", run_on_startup=True)
def nightly(timer: func.TimerRequest) -> None:
    TICKS.append(("nightly", timer.past_due, timer.schedule_status))
    raise RuntimeError("a failed run does not end the schedule")
