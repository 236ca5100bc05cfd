"""The app that the tests of files serve."""

import asyncio

import socketify

import socketify_ext
from socketify_ext.runtime.files import folder as folder_module


def make(folder, certificate=None, key=None):
    options = certificate and socketify.AppOptions(cert_file_name=certificate, key_file_name=key)
    app = socketify_ext.App(options)
    app.static("/public", folder)
    app.static("/.well-known", f"{folder}/.well-known")
    app.get("/free", lambda res, req: res.end("free"))

    @app.before_request(prefix="/public/docs")
    def cache(res, req):
        res.set_header("Cache-Control", "max-age=60")

    @app.before_request(prefix="/public/private")
    def guard(res, req):
        raise socketify_ext.HTTPError(401)

    def fixed(res, req):
        res.send_file(f"{folder}/large.bin")

    async def late(res, req):
        await asyncio.sleep(0)
        await res.send_file(f"{folder}/page.html", content_type="text/x-page")
        assert res.has_responded()

    def missing(res, req):
        res.send_file(f"{folder}/none")

    def not_found_page(res, req):
        res.write_status(404).send_file(f"{folder}/page.html")

    def answered(res, req):
        res.end("answered")
        res.send_file(f"{folder}/page.html")

    def below(res, req):
        res.send_file(req.get_query("path"), folder=folder, download_name=req.get_query("name"))

    def unsafe(res, req):
        res.send_file(req.get_query("path"))

    def hostile(res, req):
        """Each argument of a wrong kind is an error before anything is written."""
        told = []
        for options in ({"content_type": "a\r\nb: c"}, {"content_type": 5 + 1j}, {"download_name": 5}, {"folder": ""}):
            try:
                res.send_file(f"{folder}/page.html", **options)
            except Exception as error:
                told.append(type(error).__name__)
        res.end(told)

    def twice(res, req):
        """The second file comes too late, even where the first one must be read from the disk."""
        now = folder_module._NOWAIT
        folder_module._NOWAIT = None if req.get_query("cold") else now
        res.send_file(f"{folder}/large.bin")
        folder_module._NOWAIT = now
        res.send_file(f"{folder}/page.html")
        res.end("too late")

    def after_a_part(res, req):
        res.write("part")
        res.send_file(f"{folder}/page.html")
        res.end("end")

    async def broken(res, req):
        """The disk fails behind the first part."""
        read = folder_module.OpenFile.read

        def fail(file, offset, length):
            if offset:
                raise OSError(5, "Input/output error")
            return read(file, offset, length)

        folder_module.OpenFile.read, now = fail, folder_module._NOWAIT
        folder_module._NOWAIT = None
        try:
            await res.send_file(f"{folder}/large.bin")
        finally:
            folder_module.OpenFile.read, folder_module._NOWAIT = read, now

    for name, handler in {
        "below": below,
        "unsafe": unsafe,
        "hostile": hostile,
        "broken": broken,
        "twice": twice,
        "part": after_a_part,
        "fixed": fixed,
        "late": late,
        "missing": missing,
        "page": not_found_page,
        "answered": answered,
    }.items():
        app.get(f"/send/{name}", handler)
    return app
