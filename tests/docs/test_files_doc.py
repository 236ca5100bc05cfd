"""docs/files.md: its examples do what it says."""

import httpx2
import pytest
from doc_pages import python, written

from socketify_ext.testing import serve


def example():
    return written(block.text.replace("app.listen(3000)\napp.run()\n", "") for block in python("docs/files.md"))


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        (folder / "uploads").mkdir()
        (folder / "uploads" / "Überblick.html").write_text("<script>alert(1)</script>")
        (folder / "public" / "assets").mkdir(parents=True)
        (folder / "public" / "assets" / "app.123.js").write_text("1")
        with serve(example) as server:
            yield server


def test_the_folder_and_the_file_are_served(server):
    style = httpx2.get(f"{server.url}/public/style.css")
    assert (style.text, style.headers["content-type"]) == ("body { margin: 0 }", "text/css; charset=utf-8")
    assert "cache-control" not in style.headers
    for path in ("terms", "report"):
        assert httpx2.get(f"{server.url}/{path}").text == "<h1>Terms</h1>"


def test_assets_are_kept_and_what_is_missing_is_not(server):
    asset = httpx2.get(f"{server.url}/public/assets/app.123.js")
    assert asset.headers["cache-control"] == "public, max-age=31536000, immutable"
    missing = httpx2.get(f"{server.url}/public/assets/app.124.js")
    assert (missing.status_code, "cache-control" in missing.headers) == (404, False)


def test_a_download_has_a_name_and_comes_from_its_folder_alone(server):
    download = httpx2.get(f"{server.url}/download", params={"name": "Überblick.html"})
    assert download.headers["content-disposition"].endswith("filename*=UTF-8''%C3%9Cberblick.html")
    for name in ("../terms.html", "/etc/passwd", "", "nothing"):
        assert httpx2.get(f"{server.url}/download", params={"name": name}).status_code == 404
