import asyncio
import contextlib
import copy
import json
import pickle
import re
import ssl
import time
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace

import cart_apps
import httpx2
import itsdangerous
import msgpack
import msgspec
import pydantic
import pytest
from engines import valkey
from hypothesis import given
from hypothesis import strategies as st
from wire import wire

import socketify_ext
from socketify_ext.builtin.cart import Cart, CartItem, owner
from socketify_ext.builtin.cart.items import MissingItemError
from socketify_ext.builtin.cart.options import Options
from socketify_ext.builtin.cart.owner import session_cookie
from socketify_ext.errors import CartError, HTTPError, OptionsError, StoreAddressError
from socketify_ext.testing import serve

BOOK = {"sku": "book", "quantity": 1, "unit_price": "9.90", "currency": "EUR"}
PLAIN = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # one for all clients: to make one is most of a client's cost
DOC = Path(__file__).parents[2] / "docs" / "cart.md"


# -- the cart by itself


def test_add_keeps_one_line_for_each_sku_and_adds_up():
    cart = Cart()
    cart.add("book", unit_price=Decimal("9.90"))
    assert cart.add("book", 2) == CartItem("book", 3, Decimal("9.90"), "EUR")
    cart.add("pen", 1, "1.20")
    assert [(item.sku, item.quantity) for item in cart] == [("book", 3), ("pen", 1)]
    assert (cart.total, cart.totals) == (Decimal("30.90"), {"EUR": Decimal("30.90")})
    cart.add("book", unit_price=8)
    assert cart[0].total == Decimal(32)


def test_remove_takes_out_a_sku_or_some_of_it():
    cart = Cart()
    cart.add("book", 5)
    cart.append("gift")
    cart.remove("book", 2)
    assert cart[0].quantity == 3
    cart.remove("book", 3)
    cart.remove("gift")
    assert cart == []


def test_removing_what_is_not_there_is_a_404_and_a_value_error():
    with pytest.raises(MissingItemError) as missing:
        Cart(["a"]).remove("book")
    assert isinstance(missing.value, ValueError)
    assert missing.value.status == 404


def test_a_cart_is_a_list_of_anything():
    cart = Cart(["a"])
    cart.append({"b": 1})
    cart += [CartItem("c")]
    assert cart == ["a", {"b": 1}, CartItem("c")]
    assert cart.items == [CartItem("c")]
    assert cart.total == 0
    assert copy.deepcopy(cart) == pickle.loads(pickle.dumps(cart)) == cart  # noqa: S301


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({"sku": ""}, "sku"),
        ({"sku": "x" * 129}, "sku"),
        ({"sku": 5}, "sku"),
        ({"sku": "\ud800"}, "sku"),
        ({"quantity": 0}, "quantity"),
        ({"quantity": -1}, "quantity"),
        ({"quantity": 1.5}, "quantity"),
        ({"quantity": "many"}, "quantity"),
        ({"unit_price": -1}, "unit_price"),
        ({"unit_price": 9.9}, "unit_price"),
        ({"unit_price": "NaN"}, "unit_price"),
        ({"unit_price": Decimal("Infinity")}, "unit_price"),
        ({"unit_price": "0.0000001"}, "unit_price"),
        ({"unit_price": "1e30"}, "unit_price"),
        ({"currency": "euro"}, "currency"),
    ],
)
def test_a_value_that_does_not_fit_is_a_422_that_names_its_field(arguments, field):
    cart = Cart()
    with pytest.raises(HTTPError) as refused:
        cart.add(**{"sku": "book", **arguments})
    assert refused.value.status == 422
    assert [detail["loc"] for detail in refused.value.detail] == [(field,)]
    json.dumps(refused.value.detail)
    assert cart == []


def test_limits_of_items_and_of_quantity_are_a_422():
    cart = Cart(max_items=2, max_quantity=10)
    cart.add("a", 10)
    cart.add("b")
    for sku in ("a", "c"):
        with pytest.raises(HTTPError, match=r"422 a cart holds (10 of one sku|2 items) at most"):
            cart.add(sku)
    assert [item.quantity for item in cart] == [10, 1]


def test_currencies_mix_in_a_cart_but_not_in_a_line_or_a_total():
    cart = Cart(currency="USD")
    cart.add("a", unit_price=1)
    cart.add("b", unit_price=2, currency="EUR")
    with pytest.raises(HTTPError, match="422 'b' is in the cart in EUR, not in USD"):
        cart.add("b", currency="USD")
    with pytest.raises(HTTPError, match="422 the cart has items in EUR and USD"):
        cart.total  # noqa: B018
    assert cart.totals == {"USD": 1, "EUR": 2}


def test_an_item_is_frozen_and_every_encoder_takes_it():
    item = CartItem("book", 1, "9.90")
    for change in (
        lambda: item.__setitem__("sku", "x"),
        lambda: item.update(sku="x"),
        lambda: item.pop("sku"),
        item.clear,
        lambda: item.__ior__({}),
        lambda: setattr(item, "sku", "x"),
    ):
        with pytest.raises((TypeError, AttributeError)):
            change()
    assert {item} == {CartItem("book", 1, "9.90")}
    assert copy.deepcopy(item) == pickle.loads(pickle.dumps(item)) == item  # noqa: S301
    cart = Cart([item])
    assert json.loads(json.dumps(cart)) == msgpack.unpackb(msgpack.packb(cart)) == [BOOK]
    assert msgspec.json.decode(msgspec.json.encode(cart)) == [BOOK]
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(cart)) == [BOOK]
    assert pydantic.TypeAdapter(list[CartItem]).validate_python([BOOK]) == cart


lines = st.tuples(
    st.sampled_from("abcd"), st.integers(1, 50), st.decimals(0, 1000, places=2), st.sampled_from(["EUR", "USD"])
)
carts = st.lists(lines, unique_by=lambda line: line[0]).map(lambda found: [CartItem(*line) for line in found])


@given(carts, carts)
def test_a_merge_adds_quantities_up_and_keeps_the_users_price(mine, other):
    cart = Cart(mine, max_items=4, max_quantity=60)
    cart.merge(other)
    wanted = {item.sku: item for item in mine}
    for item in other:
        known = wanted.get(item.sku)
        wanted[item.sku] = (
            CartItem(known.sku, min(known.quantity + item.quantity, 60), known.unit_price, known.currency)
            if known
            else item
        )
    assert cart == list(wanted.values())


def test_a_client_that_leaves_before_it_gets_its_cookie_leaves_no_error():
    with serve(cart_apps.shop, store="memory://") as server, wire(server.port) as other:
        for _ in range(20):
            with wire(server.port) as connection:
                connection.send("GET", "/add?sku=book")
            other.ask("GET", "/show")
        assert "ERROR" not in server.log


def test_a_merge_leaves_out_what_the_cart_has_no_room_for_and_takes_nothing_away():
    cart = Cart([CartItem("a", 70), "gift"], max_items=3, max_quantity=60)
    cart.merge([CartItem("a", 5), CartItem("b"), CartItem("c"), "wish"])
    assert cart == [CartItem("a", 70), "gift", CartItem("b")]


# -- a cart that lives with its request


@pytest.fixture(scope="module", params=[("app", False), ("app", True), ("install", False), ("stock", False)], ids=str)
def plain(request):
    kind, fast = request.param
    with serve(cart_apps.plain, kind=kind, json=fast) as server:
        yield server


@pytest.mark.parametrize("path", ["/json", "/late", "/msgpack"])
def test_a_cart_answers_as_it_is(plain, path):
    answer = get(f"{plain.url}{path}?sku=book&sku=pen&sku=pen")
    read = msgpack.unpackb if path == "/msgpack" else json.loads
    assert answer.headers["content-type"] == ("application/msgpack" if path == "/msgpack" else "application/json")
    assert read(answer.content) == [BOOK, {**BOOK, "sku": "pen", "quantity": 2}]


def test_each_request_has_a_cart_of_its_own(plain):
    assert [get(f"{plain.url}/append?item={item}").json() for item in "abc"] == [["a"], ["b"], ["c"]]


@pytest.mark.parametrize("plain", [("app", False)], indirect=True)
def test_what_the_client_asked_wrongly_is_the_answer(plain):
    answer = get(f"{plain.url}/json?sku=a&sku=b&sku=c&sku=d")
    assert (answer.status_code, answer.json()) == (422, {"detail": "a cart holds 3 items at most"})
    answer = get(f"{plain.url}/late?sku={'x' * 200}")
    assert (answer.status_code, answer.json()["detail"][0]["loc"]) == (422, ["sku"])


# -- a cart that is kept


@pytest.fixture(scope="module")
def engine():
    with valkey() as running:
        yield running


def url_of(request, folder, name):
    if name == "redis":
        return request.getfixturevalue("engine").url
    return "memory://" if name == "memory" else f"sqlite:///{folder}/carts.db"


SETTINGS = [("app", "memory"), ("app", "sqlite"), ("app", "redis"), ("stock", "sqlite"), ("stock", "redis")]


@pytest.fixture(scope="module", params=SETTINGS, ids="-".join)
def shop(request, tmp_path_factory):
    kind, store = request.param
    with serve(cart_apps.shop, kind=kind, store=url_of(request, tmp_path_factory.mktemp("carts"), store)) as server:
        yield server


@pytest.fixture(scope="module")
def one_shop():
    with serve(cart_apps.shop, store="memory://", max_items=10, max_bytes=300) as server:
        yield server


def client(server, token=None, cookies=None):
    headers = {} if token is None else {"token": token}
    return httpx2.Client(base_url=server.url, headers=headers, cookies=cookies, timeout=8, verify=PLAIN)


def get(url):
    return httpx2.get(url, timeout=8, verify=PLAIN)


def skus(answer):
    assert answer.status_code == 200, answer.text
    entries = answer.json()
    return {entry["sku"]: entry["quantity"] for entry in (entries["cart"] if isinstance(entries, dict) else entries)}


def test_an_anonymous_client_finds_its_cart_again_and_no_other(shop):
    with client(shop) as ann, client(shop) as ben:
        answer = ann.get("/add?sku=book")
        assert answer.json() == {"cart": [BOOK], "total": {"EUR": "9.90"}}
        ben.get("/add?sku=pen")
        again = ann.get("/add?sku=book")
        assert again.json()["total"] == {"EUR": "19.80"}
        named = [each.cookies["cart"].partition(".")[0] for each in (answer, again)]
        assert named[0] == named[1]  # each change gives the cookie its full time again
        assert (skus(ann.get("/show")), skus(ben.get("/show"))) == ({"book": 2}, {"pen": 1})
        assert msgpack.unpackb(ann.get("/remove?sku=book").content) == []
        assert ann.get("/show").json() == []


def test_what_is_appended_and_saved_is_kept(shop):
    with client(shop) as ann:
        ann.get("/add?sku=book")
        assert ann.get("/save?value=gift").json() == [BOOK, "gift"]
        assert ann.get("/show").json() == [BOOK, "gift"]


def test_an_answer_inside_an_edit_carries_the_cookie(shop):
    with client(shop) as ann:
        ann.get("/answer_inside")
        assert skus(ann.get("/show")) == {"inside": 1}


def test_a_user_has_one_cart_wherever_they_are(shop):
    token = f"Ann {time.monotonic_ns()}"
    with client(shop, token) as here, client(shop, token) as there, client(shop, "Ben") as ben:
        answer = here.get("/add?sku=book")
        assert "set-cookie" not in answer.headers
        assert skus(there.get("/add?sku=book")) == {"book": 2}
        assert ben.get("/show").json() == []


def test_users_of_one_name_are_told_apart_by_issuer_and_subject(one_shop):
    same = f"Ann {time.monotonic_ns()}"
    tokens = [same, f"{same};shop;1", f"{same};shop;2", f"{same};other;1"]
    for token in tokens:
        with client(one_shop, token) as ann:
            ann.get(f"/add?sku={token[-6:]}")
    for token in tokens:
        with client(one_shop, token) as ann:
            assert skus(ann.get("/show")) == {token[-6:]: 1}


@pytest.mark.parametrize(
    ("known", "identity"),
    [
        ({"id": "7"}, ["id", "", "7"]),
        ({"id": 0}, ["id", "", "0"]),
        ({"id": "7", "claims": {"iss": "shop", "sub": "8"}}, ["id", "shop", "7"]),
        ({"claims": {"iss": "shop", "sub": "8"}}, ["id", "shop", "8"]),
        ({"claims": {}}, ["name", "Ann"]),
    ],
)
def test_the_id_of_a_user_comes_before_the_name(known, identity):
    user = SimpleNamespace(name="Ann", is_authenticated=True, **known)
    assert asyncio.run(owner._identity(SimpleNamespace(get_user=lambda: user))) == identity


@pytest.mark.parametrize("known", [{"name": ""}, {"name": 5}, {"name": "Ann", "id": ""}, {"claims": {"sub": ""}}])
def test_a_user_without_an_identity_has_no_cart(known):
    user = SimpleNamespace(is_authenticated=True, **known)
    with pytest.raises(CartError, match="no id and no name"):
        asyncio.run(owner._identity(SimpleNamespace(get_user=lambda: user)))


@pytest.mark.parametrize("way", ["/show", "/add?sku=pen"])
def test_an_anonymous_cart_merges_into_the_users_at_login(shop, way):
    token = f"Ann {time.monotonic_ns()}"
    with client(shop, token) as ann:
        ann.get("/add?sku=book&quantity=2")
    with client(shop) as ann:
        ann.get("/add?sku=book&quantity=3")
        ann.get("/add?sku=cup")
        cookies = dict(ann.cookies)
        added = {"pen": 1} if "pen" in way else {}
        answer = ann.get(way, headers={"token": token})
        assert skus(answer) == {"book": 5, "cup": 1, **added}
        assert "Max-Age=0" in answer.headers["set-cookie"]
        assert not ann.cookies
        assert skus(ann.get("/show", headers={"token": token})) == {"book": 5, "cup": 1, **added}
        assert ann.get("/show").json() == []
    with client(shop, cookies=cookies) as replayed:
        assert replayed.get("/show").json() == []


def test_concurrent_logins_merge_once(shop):
    token = f"Ann {time.monotonic_ns()}"
    with client(shop) as ann:
        ann.get("/add?sku=book&quantity=3")
        cookies = dict(ann.cookies)

    async def fetch_all():
        async with httpx2.AsyncClient(
            verify=PLAIN, base_url=shop.url, timeout=8, cookies=cookies, headers={"token": token}
        ) as user:
            return await asyncio.gather(*(user.get(path) for path in ("/show", "/add?sku=pen") * 8))

    assert {answer.status_code for answer in asyncio.run(fetch_all())} == {200}
    with client(shop, token) as ann:
        assert skus(ann.get("/show")) == {"book": 3, "pen": 8}


def signed(name, secret=cart_apps.SECRET, age=0):
    class Signer(itsdangerous.TimestampSigner):
        def get_timestamp(self):
            return super().get_timestamp() - age

    serializer = session_cookie(Options(store="memory://", secret=secret, cookie_secure=False)).serializer
    serializer.signer = Signer
    return serializer.dumps(name)


def payload(name):
    """Return what the signature of a cookie covers beside the time."""
    return itsdangerous.URLSafeSerializer("any").dump_payload(name).decode()


def content(cookie):
    """Return the id that a cookie carries."""
    return itsdangerous.URLSafeSerializer("any").load_payload(cookie.partition(".")[0].encode())


MONTH = 30 * 24 * 3600


def test_a_cookie_that_is_signed_with_the_secret_is_taken(one_shop):
    for age in (0, MONTH - 60, -30):
        with client(one_shop, cookies={"cart": signed("known", age=age)}) as ann:
            ann.get("/add?sku=book")
            assert skus(ann.get("/show"))["book"] >= 1


@pytest.mark.parametrize(
    "cookie",
    [
        "known",
        "",
        "known." + "x" * 5000,
        signed("known") + "x",
        signed("known")[:-1],
        signed("known").replace(payload("known"), payload("other")),
        signed("known", "another-secret-of-16"),
        signed("known", age=MONTH + 60),
        itsdangerous.URLSafeTimedSerializer(cart_apps.SECRET).dumps("known"),
    ],
    ids=[
        "unsigned",
        "empty",
        "long",
        "longer-signature",
        "shorter-signature",
        "other-name",
        "other-secret",
        "expired",
        "other-salt",
    ],
)
def test_a_forged_or_expired_cookie_gets_a_new_empty_cart(one_shop, cookie):
    with client(one_shop, cookies={"cart": signed("known")}) as owner:
        owner.get("/add?sku=mine")
    with client(one_shop, cookies={"cart": cookie}) as ann:
        assert ann.get("/show").json() == []
        answer = ann.get("/add?sku=new")
        assert skus(answer) == {"new": 1}
        name = content(answer.cookies["cart"])
        assert name not in ("known", "other")
        assert len(name) == 43


def test_an_older_secret_still_reads_and_the_newest_signs():
    secrets = ["the-second-secret-of-it", "the-first-secret-of-it"]
    with serve(cart_apps.shop, store="memory://", secret=secrets) as server:
        with client(server, cookies={"cart": signed("known", secrets[1])}) as ann:
            answer = ann.get("/add?sku=book")
        newest = session_cookie(Options(store="memory://", secret=secrets[0]))
        assert newest.serializer.loads(answer.cookies["cart"]) == "known"


def test_the_cookie_is_for_the_server_alone():
    with serve(cart_apps.shop, store="memory://", cookie_secure=True, max_age=600) as server:
        (line,) = get(f"{server.url}/add?sku=book").headers.get_list("set-cookie")
    name, *attributes = line.split("; ")
    assert re.match(r"__Host-cart=[\w-]{60}\.", name)
    assert sorted(attributes) == ["HttpOnly", "Max-Age=600", "Path=/", "SameSite=Lax", "Secure"]


@pytest.mark.parametrize("kind", ["app", "install"])
def test_no_cache_keeps_an_answer_with_the_cookie(kind):
    with serve(cart_apps.shop, kind=kind, store="memory://") as server, client(server) as ann:
        for path, headers in (("/add?sku=book", {}), ("/add?sku=pen", {"token": f"{kind} {time.monotonic_ns()}"})):
            answer = ann.get(path, headers=headers)
            assert "cart=" in answer.headers["set-cookie"]
            assert answer.headers["cache-control"] == "no-store"
        assert not ann.cookies
        assert "cache-control" not in ann.get("/show").headers


def test_a_cart_expires_with_its_cookie():
    with serve(cart_apps.shop, store="memory://", max_age=1) as server, client(server, "Ann") as ann:
        assert skus(ann.get("/add?sku=book")) == {"book": 1}
        deadline = time.monotonic() + 10
        while ann.get("/show").json():
            assert time.monotonic() < deadline


def test_looking_at_an_empty_cart_sets_no_cookie_and_stores_nothing(shop):
    assert "set-cookie" not in get(f"{shop.url}/show").headers
    assert "set-cookie" not in get(f"{shop.url}/fill?count=0").headers


def test_a_cart_that_grew_beyond_its_limits_is_refused_and_stays_as_it_was(one_shop):
    with client(one_shop) as ann:
        ann.get("/add?sku=book")
        for count, status, detail in ((10, 422, "a cart holds 10 items"), (9, 413, "a cart has 300 bytes")):
            answer = ann.get(f"/fill?count={count}")
            assert (answer.status_code, answer.json()) == (status, {"detail": f"{detail} at most"})
        assert skus(ann.get("/show")) == {"book": 1}


def test_a_merge_keeps_within_the_limit_of_bytes(one_shop):
    token = f"Ann {time.monotonic_ns()}"
    with client(one_shop, token) as ann:
        for sku in "abc":
            ann.get(f"/add?sku={sku}")
    with client(one_shop) as ann:
        for sku in "cde":
            ann.get(f"/add?sku={sku}")
        assert skus(ann.get("/show", headers={"token": token})) == {"a": 1, "b": 1, "c": 2, "d": 1}
        assert ann.get("/add?sku=f", headers={"token": token}).status_code == 413


def test_an_edit_that_fails_saves_nothing(shop):
    with client(shop) as ann:
        ann.get("/add?sku=book")
        assert ann.get("/fail").json() == []
        assert skus(ann.get("/show")) == {"book": 1}


@pytest.mark.parametrize(
    ("path", "status"),
    [("/remove?sku=book", 404), ("/add?sku=book&quantity=0", 422), ("/save?value=x&meanwhile=1", 409)],
)
def test_what_a_client_can_not_do_is_the_answer(one_shop, path, status):
    with client(one_shop) as ann:
        ann.get("/add?sku=pen")
        assert ann.get(path).status_code == status


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("/unloaded?save=1", "Call cart = await req.load_cart() first"),
        ("/unloaded", "holds items already"),
        ("/unloaded?edit=1", "holds items already"),
        ("/late", "Save it before you answer"),
        ("/unserialisable", "not JSON serializable"),
    ],
)
def test_a_wrong_use_is_an_error_that_says_what_to_do(one_shop, path, text):
    answer = get(one_shop.url + path)
    assert answer.status_code == (200 if path == "/late" else 500)
    deadline = time.monotonic() + 5
    while text not in one_shop.log:  # what comes after the answer is logged after it
        assert time.monotonic() < deadline


def test_a_store_that_is_away_is_a_503_and_comes_back():
    with (
        valkey() as running,
        serve(cart_apps.shop, store=running.url) as server,
        client(server, "Ann") as ann,
    ):
        assert skus(ann.get("/add?sku=book")) == {"book": 1}
        running.stop()
        for path in ("/show", "/add?sku=book"):
            answer = ann.get(path)
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
        server.wait_for_log("store redis://127.0.0.1")
        running.start()
        assert skus(ann.get("/add?sku=book")) == {"book": 1}


@pytest.mark.parametrize("store", ["sqlite", "redis"])
def test_50_concurrent_edits_from_4_workers_lose_none(request, tmp_path, store):
    url = url_of(request, tmp_path, store)
    with contextlib.ExitStack() as stack:
        workers = [stack.enter_context(serve(cart_apps.shop, store=url)) for _ in range(4)]
        with client(workers[0]) as ann:
            ann.get("/add?sku=first")
            cookies = dict(ann.cookies)

        async def fetch_all():
            async with httpx2.AsyncClient(verify=PLAIN, timeout=30, cookies=cookies) as user:
                paths = [f"{workers[n % 4].url}/add?sku={'book' if n % 2 else f's{n}'}" for n in range(50)]
                return await asyncio.gather(*(user.get(path) for path in paths))

        assert {answer.status_code for answer in asyncio.run(fetch_all())} == {200}
        wanted = {"first": 1, "book": 25, **{f"s{n}": 1 for n in range(0, 50, 2)}}
        for worker in workers:
            with client(worker, cookies=cookies) as ann:
                assert skus(ann.get("/show")) == wanted


# -- options


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"store": "memory://"}, "store and secret go together"),
        ({"secret": "x" * 16}, "store and secret go together"),
        ({"store": "memory://", "secret": "short"}, "16 characters"),
        ({"store": "memory://", "secret": []}, "16 characters"),
        ({"store": "memory://", "secret": ["x" * 16, "short"]}, "16 characters"),
        ({"max_items": 0}, "max_items"),
        ({"cookie": "a;b"}, "cookie"),
        ({"currency": "euro"}, "currency"),
    ],
)
def test_options_that_do_not_fit_are_refused(options, text):
    with pytest.raises(OptionsError, match=text) as refused:
        socketify_ext.load("cart", **options)
    assert "short" not in str(refused.value)


def test_options_do_not_show_secrets():
    options = Options(store="redis://:s3cret@host", secret="s3cret" * 4)
    assert "s3cret" not in repr(options)


def test_a_wrong_store_is_refused_at_registration():
    with pytest.raises(StoreAddressError):
        socketify_ext.App().register(socketify_ext.load("cart", store="carts.db", secret="x" * 16))


def test_without_a_store_there_is_nothing_but_the_cart():
    app = socketify_ext.App()
    app.register(socketify_ext.load("cart"))
    assert list(socketify_ext.inspect(app).members) == ["request.cart"]


# -- its page


def page_app(store):
    (example,) = re.findall(r"```python\n(.*?)```", DOC.read_text(), re.DOTALL)
    names = {}
    exec(compile(example.replace("sqlite:///carts.db", store), DOC.name, "exec"), names)  # noqa: S102 - the page's own
    return names["app"]


def test_the_example_of_the_page_does_what_it_says(tmp_path):
    (shown,) = re.findall(r"localhost:3000(/\S+)\n(.*)\n", DOC.read_text())
    with serve(page_app, store=f"sqlite:///{tmp_path}/carts.db") as server, client(server) as ann:
        assert ann.post(shown[0]).text == shown[1]
        assert ann.post("/cart/gold").status_code == 404
        assert ann.post("/cart/pen").json()["total"] == "11.10"
        assert [item["sku"] for item in ann.get("/cart").json()] == ["book", "pen"]
        assert [item["sku"] for item in ann.delete("/cart/book").json()] == ["pen"]
        assert ann.delete("/cart/book").status_code == 404
        assert ann.get("/cart").json()[0]["quantity"] == 1


def test_the_page_names_every_option_and_its_default():
    rows = re.findall(r"^\| `(\w+)` \|([^|]*)\|", DOC.read_text(), re.MULTILINE)
    assert [name for name, _ in rows] == list(Options.model_fields)
    shown = {"": None, "30 days": MONTH, "`True`": True, '`"EUR"`': "EUR", '`"cart"`': "cart"}
    for name, cell in rows:
        default = cell.strip()
        assert (shown[default] if default in shown else int(default)) == Options.model_fields[name].default, name
