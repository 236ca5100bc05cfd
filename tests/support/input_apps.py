"""Handlers that read typed input in every way."""

import asyncio
import dataclasses
import json
from typing import Annotated

import msgspec
from pydantic import BaseModel, ConfigDict, Field
from typing_extensions import TypedDict

import socketify_ext
from socketify_ext import UploadedFile

LIMIT = 100_000
LARGE = 40_000_000


class Order(BaseModel):
    sku: str
    lines: list[int] = []


class Strict(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")

    day: int
    tags: set[str] = set()


class Search(BaseModel):
    model_config = ConfigDict(extra="allow")

    text: str = Field("", alias="q")
    page: int = 1
    tags: list[str] = Field([], validation_alias="tag")


@dataclasses.dataclass
class Point:
    x: int
    y: int = 0


class Entry(TypedDict):
    name: str
    sizes: list[int]


class Struct(msgspec.Struct):
    sku: str
    lines: list[int] = []


class Path(BaseModel):
    user: int
    item: str


class Application(BaseModel):
    name: str
    tags: list[str] = []
    photo: UploadedFile | None = None
    papers: list[UploadedFile] = []


MODELS = {
    "order": Order,
    "strict": Strict,
    "search": Search,
    "point": Point,
    "entry": Entry,
    "struct": Struct,
    "numbers": list[int],
    "few": Annotated[list[int], Field(max_length=2)],
    "structs": list[Struct],
    "floats": list[float],
    "nested": dict[str, list[str]],
    "wrong": 5,
}


def shown(value):
    """Return a model as JSON has it."""
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if isinstance(value, (list, tuple)):
        return [shown(each) for each in value]
    return msgspec.to_builtins(value)


async def described_all(files):
    """Describe files by their names; 3.10 has no comprehension of awaits inside another."""
    found = {}
    for name, those in files.items():
        found[name] = [await described(each) for each in those]
    return found


async def described(file):
    return [file.filename, file.content_type, file.size, file.is_on_disk, len(await file.read())]


def routes(app):
    """Add the routes that a stock app can have too."""
    for name, model in MODELS.items():

        def as_json(model):
            async def handler(res, req):
                res.end({"value": shown(await res.get_json(model))})

            return handler

        app.post(f"/json/{name}", as_json(model))
        app.get(f"/query/{name}", lambda res, req, model=model: res.end({"value": shown(req.get_queries(model))}))

    async def anything(res, req):
        res.end({"value": await res.get_json()})

    async def urlencoded(res, req):
        res.end({"value": await res.get_form_urlencoded()})

    async def form(res, req):
        read = await res.get_form()
        files = await described_all(read.files)
        res.end({"fields": read.fields, "files": files})

    async def application(res, req):
        read = await res.get_form(Application)
        files = [await described(each) for each in [*([read.photo] if read.photo else []), *read.papers]]
        res.end({"name": read.name, "tags": read.tags, "files": files})

    async def struct_form(res, req):
        res.end(shown(await res.get_form(Struct)))

    app.post("/json", anything)
    app.post("/urlencoded", urlencoded)
    app.post("/form", form)
    app.post("/application", application)
    app.post("/struct-form", struct_form)


def make():
    app = socketify_ext.App(max_body=LIMIT)
    routes(app)
    kept = []

    def late(read):
        async def handler(res, req):
            await asyncio.sleep(0)
            res.end({"value": shown(await read(res, req))})

        return handler

    async def queries(res, req):
        return req.get_queries(Search)

    async def parameters(res, req):
        return req.get_parameters(Path)

    app.post("/late/json", late(lambda res, req: res.get_json(Order)))
    app.get("/late/query", late(queries))
    app.get("/late/:user/items/:item", late(parameters))
    app.get("/users/:user/items/:item", lambda res, req: res.end({"value": shown(req.get_parameters(Path))}))

    async def upload(res, req):
        form = await res.get_form(max_files=3, max_fields=3, max_fields_size=1000, max_memory=100_000)
        kept.append(form)
        res.end(await described_all(form.files))

    async def small_files(res, req):
        await res.get_form(max_file_size=1000)
        res.end("small")

    async def unread(res, req):
        (file,) = (await res.get_form()).files["photo"]
        res.end([file.size, file.is_on_disk])

    async def twice(res, req):
        first, second = await res.get_form(), await res.get_form(Application)
        res.end([first["name"], second.name, await res.get_form() is first])

    async def at_once(res, req):
        first, second = await asyncio.gather(res.get_form(max_memory=0), res.get_form(), return_exceptions=True)
        res.end([first["photo"].size, second.code])

    async def refused_twice(res, req):
        statuses = []
        for _ in range(2):
            try:
                await res.get_form()
            except socketify_ext.HTTPError as error:
                statuses.append([error.status, error.detail])
        res.end(statuses)

    async def in_parts_first(res, req):
        async for _ in res.body():
            break
        try:
            await res.get_json()
        except socketify_ext.errors.BodyError as error:
            res.end(error.code)

    async def without_a_body(res, req):
        try:
            await res.get_json()
        except socketify_ext.HTTPError as error:
            res.end([dict(await res.get_form()), error.detail])

    @app.before_request(prefix="/hooked")
    async def check(res, req):
        if (await res.get_form(max_memory=0)).get("token") != "right":
            raise socketify_ext.HTTPError(403)

    async def hooked(res, req):
        res.end(str(len(await (await res.get_form())["photo"].read())))

    async def whole_first(res, req):
        await res.get_data()
        res.end({"name": (await res.get_form(Application)).name})

    async def waits(res, req):
        kept.append(await res.get_form(max_memory=0))
        left = asyncio.Event()
        res.on_aborted(lambda res: left.set())
        await left.wait()
        kept.append(len(await kept[-1]["photo"].read()))

    async def answers_first(res, req):
        form = await res.get_form(max_memory=0)
        kept.append(form)
        res.end("accepted")
        await asyncio.sleep(0)
        kept.append(len(await form["photo"].read()))

    async def raises(res, req):
        kept.append(await res.get_form(max_memory=0))
        raise socketify_ext.HTTPError(409)

    async def in_a_task(res, req):
        form = await asyncio.wait_for(res.get_form(), 10)
        res.end(str(len(await form["photo"].read())))

    app.post("/upload", upload, max_body=LARGE)
    app.post("/small-files", small_files, max_body=LARGE)
    app.post("/unread", unread, max_body=LARGE)
    app.post("/twice", twice)
    app.post("/whole-first", whole_first)
    app.post("/hooked", hooked)
    app.post("/at-once", at_once)
    app.post("/refused-twice", refused_twice)
    app.post("/in-parts-first", in_parts_first)
    app.get("/without-a-body", without_a_body)
    app.post("/waits", waits)
    app.post("/answers-first", answers_first)
    app.post("/raises", raises)
    app.post("/in-a-task", in_a_task)

    async def files(res, req):
        """Answer with what is still open."""
        await asyncio.sleep(0)
        forms = [each for each in kept if not isinstance(each, int)]
        files = [file for form in forms for those in form.files.values() for file in those]
        read = [each for each in kept if isinstance(each, int)]
        open_files = sum(file._file is not None for file in files)
        res.end({"open": open_files, "files": len(files), "read": read, "held": app._server.held_bytes})

    app.get("/files", files)
    app.get("/held", lambda res, req: res.end(str(app._server.held_bytes)))
    return app


def load(text):
    """Return the value of an answer."""
    return json.loads(text)["value"]


def part(name, value=b"", filename=None, kind=None):
    """Return one part of a form, without its boundary."""
    file = b"" if filename is None else b'; filename="%b"' % filename.encode()
    head = b'Content-Disposition: form-data; name="%b"%b\r\n' % (name.encode(), file)
    return head + (b"" if kind is None else b"Content-Type: %b\r\n" % kind.encode()) + b"\r\n" + value


def multipart(*parts, boundary=b"border"):
    """Return a form of these parts."""
    return b"".join(b"--%b\r\n%b\r\n" % (boundary, each) for each in parts) + b"--%b--\r\n" % boundary
