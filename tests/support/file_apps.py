"""The app that the tests of files serve."""

import asyncio

import socketify

import socketify_ext


def make(folder, certificate=None, key=None):
    options = certificate and socketify.AppOptions(cert_file_name=certificate, key_file_name=key)
    app = socketify_ext.App(options)
    app.static("/public", folder)
    app.get("/free", lambda res, req: res.end("free"))

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

    for name, handler in {
        "fixed": fixed,
        "late": late,
        "missing": missing,
        "page": not_found_page,
        "answered": answered,
    }.items():
        app.get(f"/send/{name}", handler)
    return app
