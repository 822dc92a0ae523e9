"""A shop on Starlette: two flags, one of them an experiment, decided in the process, without a call to anybody.

    NEARWISE_URL=https://centre.example NEARWISE_KEY=... uvicorn --factory examples.web_shop.shop:create_app

`decide` takes microseconds and never blocks. `track` waits for the disk, so the endpoint that uses it is a plain
function, which Starlette runs in a thread.
"""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from html import escape
from uuid import uuid4

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

import nearwise

PRICES = {"beans": 14.50, "filter": 4.90, "grinder": 79.00}
COOKIE = "visitor"

Dial = Callable[[], nearwise.Client]
"""What opens the client: one for each process, when it starts to serve, not when it is imported."""


def dial() -> nearwise.Client:
    """The client of a shop in production. Events that are not sent when the process ends wait in the folder."""
    return nearwise.Client(os.environ["NEARWISE_URL"], key=os.environ["NEARWISE_KEY"], storage="nearwise-data")


def visitor(request: Request) -> str:
    """Whose request this is: a random name in a cookie, so that a visitor stays in his half of the experiment."""
    return request.cookies.get(COOKIE) or f"v-{uuid4().hex}"


def visit_of(request: Request, name: str) -> nearwise.Context:
    """What the flags may know: the basket, and the country that the proxy tells."""
    client: nearwise.Client = request.app.state.nearwise
    facts: dict[str, object] = {"basket": {"items": len(request.query_params.getlist("item"))}}
    if "cf-ipcountry" in request.headers:
        facts["visitor"] = {"country": request.headers["cf-ipcountry"]}
    return client.context(name, facts)


def total(request: Request) -> float:
    """The total of the basket, which stands in the address: `?item=beans&item=filter`."""
    return sum(PRICES.get(item, 0.0) for item in request.query_params.getlist("item"))


async def basket(request: Request) -> Response:
    """The page with the basket. Both decisions are reported because both are on the page."""
    name = visitor(request)
    visit = visit_of(request, name)
    button, shipping = visit.decide_many(["checkout-button", "free-shipping"])
    amount = total(request)
    page = (
        f"<p>{amount:.2f} EUR. {shipping_line(shipping, amount)}</p>"
        f"<form method=post action='/buy?{escape(str(request.url.query))}'>"
        f"<button>{escape(str(button.value or 'Buy'))}</button></form>"
    )
    button.shown()
    shipping.shown()
    response = HTMLResponse(page)
    response.set_cookie(COOKIE, name, max_age=180 * 86_400, httponly=True, samesite="lax")
    return response


def shipping_line(shipping: nearwise.Decision, amount: float) -> str:
    """What the page says of shipping; without a rule set, nothing."""
    least = shipping.value.get("from") if isinstance(shipping.value, dict) else None
    if not isinstance(least, int):
        return ""
    return "Shipping is free." if amount >= least else f"{least - amount:.2f} EUR more, and shipping is free."


def buy(request: Request) -> Response:
    """The basket is paid: the conversion that the experiment counts. It is on the disk when `track` returns."""
    visit_of(request, visitor(request)).track("purchase", total(request), items=request.query_params.getlist("item"))
    return RedirectResponse("/thanks", status_code=303)


async def thanks(_request: Request) -> Response:
    """The page after the purchase."""
    return PlainTextResponse("Thank you.")


async def health(request: Request) -> Response:
    """For the load balancer, and for whoever wants to know which rules decide."""
    status = request.app.state.nearwise.status
    return PlainTextResponse(f"{status.state} {status.version}")


def create_app(dial: Dial = dial) -> Starlette:
    """The app. Its client is opened when it starts and closed, with the last events sent, when it ends."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncGenerator[None]:
        with dial() as client:
            app.state.nearwise = client
            yield

    routes = [
        Route("/", basket),
        Route("/buy", buy, methods=["POST"]),
        Route("/thanks", thanks),
        Route("/health", health),
    ]
    return Starlette(routes=routes, lifespan=lifespan)
