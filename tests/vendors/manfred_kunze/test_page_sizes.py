"""A deployment that refuses large pages is asked for smaller ones, and all of its records are read."""

from aiohttp import web
import pytest

from .test_api import OpenApi, ids, open_api, page_of, things  # noqa: F401

TOTAL = 130


@pytest.mark.parametrize("kind", ["array", "content"])
@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize("most", [100, 50])
async def test_pages_that_are_too_large_are_asked_for_in_smaller_ones(
    open_api: OpenApi,  # noqa: F811
    kind: str,
    first: int,
    most: int,
) -> None:
    asked: list[dict[str, str]] = []

    def answer(request: web.Request) -> web.Response:
        asked.append(dict(request.query))
        size = int(request.query.get("size", 20))
        if size > most or int(request.query.get("page", first)) < first:
            return web.Response(status=400)
        number = page_of(request, first=first)
        rows = things(number * size, max(min(size, TOTAL - number * size), 0))
        last = (number + 1) * size >= TOTAL
        return web.json_response(rows if kind == "array" else {"content": rows, "last": last})

    api = await open_api(answer)
    assert len(await ids(api)) == TOTAL
    refused = len(asked)
    assert len(await ids(api)) == TOTAL
    assert len(asked) - refused <= 5  # what is refused is asked for once
    assert api.dialect("/others").params(0, 500)["size"] == "50"  # of no list


async def test_a_list_that_is_always_refused_is_left_after_a_few_ways(
    open_api: OpenApi,  # noqa: F811
) -> None:
    asked: list[str] = []

    def answer(request: web.Request) -> web.Response:
        asked.append(request.path)
        return web.Response(status=400)

    api = await open_api(answer)
    with pytest.raises(Exception, match="every way"):
        await ids(api)
    assert len(asked) == 5
    asked.clear()
    with pytest.raises(Exception, match="every way"):
        await api.rows("/readings/sensor/s1", permission="read readings", size=20)
    assert len(asked) == 3
