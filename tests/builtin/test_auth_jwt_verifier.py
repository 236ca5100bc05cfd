"""JSON Web Tokens: what counts, and every known attack. The vectors are those of RFC 7515, 7519 and 8037."""

import asyncio
import base64
import hashlib
import hmac
import json
import sys
import warnings

import jose_vectors
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from hypothesis import given
from hypothesis import strategies as st
from issuer import EC, EC384, ED, RSA, WEAK_RSA, claims, issuer, jwk, key_set, sign

from socketify_ext.builtin.auth.jwt_verifier import JwtVerifier
from socketify_ext.builtin.auth.options import JwtOptions
from socketify_ext.builtin.auth.user import InvalidTokenError
from socketify_ext.errors import MissingExtraError, OptionsError

SECRET = "a secret of more than thirty-two bytes" * 2


def pem(key):
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def private_pem(key):
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def verifier(**options):
    return JwtVerifier(JwtOptions(**({"key": SECRET, "algorithms": ["HS256"]} | options)))


def rejection(verify, token):
    with pytest.raises(InvalidTokenError) as caught:
        verify(token)
    assert len(token) < 8 or token not in caught.value.reason
    return caught.value.reason


def encoded(value):
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def forged(header, payload, signature=b""):
    return f"{encoded(header)}.{encoded(payload)}.{encoded(signature)}"


hs256 = verifier()
KEYS = [
    *((name, SECRET, SECRET) for name in ("HS256", "HS384", "HS512")),
    *((name, RSA, pem(RSA)) for name in ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")),
    ("ES256", EC, pem(EC)),
    ("ES384", EC384, pem(EC384)),
    ("EdDSA", ED, pem(ED)),
    ("RS256", RSA, private_pem(RSA)),
    ("ES256", EC, private_pem(EC).encode()),
]


@pytest.mark.parametrize(("algorithm", "signing", "key"), KEYS)
def test_a_token_that_is_right_gives_its_user(algorithm, signing, key):
    verify = verifier(key=key, algorithms=[algorithm])
    user = verify(sign(signing, algorithm, role="admin"))
    assert (user.name, user["role"], user.claims["sub"], user.is_authenticated) == ("Ann", "admin", "7", True)


def test_the_identity_is_the_subject_and_the_name_is_for_show():
    user = hs256(sign(SECRET, "HS256"))
    assert (user.id, user.name) == ("7", "Ann")
    user = hs256(sign(SECRET, "HS256", name=None))
    assert (user.id, user.name) == ("7", "7")
    user = verifier(name_claims=("nick", "email"))(sign(SECRET, "HS256", email="ann@shop.example"))
    assert (user.id, user.name) == ("7", "ann@shop.example")
    assert verifier(name_claims=())(sign(SECRET, "HS256", name=None)).name == "7"


def test_two_users_of_one_name_are_two():
    ann, other = (hs256(sign(SECRET, "HS256", sub=subject, exp=2**40)) for subject in ("7", "8"))
    assert ann.name == other.name
    assert (ann.id, other.id) == ("7", "8")
    assert ann != other


def test_another_claim_may_be_the_identity():
    verify = verifier(id_claim="email")
    assert verify(sign(SECRET, "HS256", email="ann@shop.example")).id == "ann@shop.example"
    assert rejection(verify, sign(SECRET, "HS256")) == "the token has no claim email"
    assert rejection(verify, sign(SECRET, "HS256", email=7)) == "the token's claim email is not text, or empty"


def test_the_same_subject_of_two_issuers_is_two_users():
    verify = verifier(issuer=("https://a.example", "https://b.example"))
    users = [verify(sign(SECRET, "HS256", iss=each)) for each in ("https://a.example", "https://b.example")]
    assert [user.id for user in users] == ["https://a.example 7", "https://b.example 7"]
    for single in ("https://a.example", ["https://a.example"]):
        assert verifier(issuer=single)(sign(SECRET, "HS256", iss="https://a.example")).id == "7"


# -- claims


@pytest.mark.parametrize(
    ("options", "changed", "reason"),
    [
        ({}, {"exp": 1}, "has expired"),
        ({}, {"exp": None}, "has no claim exp"),
        ({}, {"exp": "soon"}, "malformed"),
        ({}, {"exp": float("inf")}, "malformed"),
        ({}, {"nbf": 2**40}, "not valid yet"),
        ({}, {"iat": 2**40}, "not valid yet"),
        ({}, {"sub": 7}, "the token's subject, the claim sub, is not text"),
        ({}, {"sub": True}, "is not text"),
        ({}, {"sub": ["7"]}, "is not text"),
        ({}, {"sub": ""}, "the token's claim sub is not text, or empty"),
        ({}, {"sub": "\ud800"}, "the token's claim sub is not text, or empty"),
        ({}, {"sub": None}, "the token has no claim sub"),
        ({}, {"aud": "another"}, "another audience"),
        ({"audience": "shop"}, {"aud": "another"}, "another audience"),
        ({"audience": "shop"}, {"aud": ["another", "shops"]}, "another audience"),
        ({"audience": "shop"}, {"aud": {"shop": True}}, "another audience"),
        ({"audience": "shop"}, {}, "no claim aud"),
        ({"issuer": "https://issuer.example"}, {"iss": "https://issuer.example.evil"}, "another issuer"),
        ({"issuer": "https://issuer.example"}, {"iss": ["https://issuer.example"]}, "another issuer"),
        ({"issuer": "https://issuer.example"}, {}, "no claim iss"),
    ],
)
def test_a_token_with_wrong_claims_is_refused(options, changed, reason):
    payload = claims(**changed)
    token = forged({"alg": "HS256"}, payload).rpartition(".")[0]
    algorithm = jwt.get_algorithm_by_name("HS256")
    signature = algorithm.sign(token.encode(), algorithm.prepare_key(SECRET))
    assert reason in rejection(verifier(**options), f"{token}.{encoded(signature)}")


def test_a_token_with_the_claims_that_are_asked_for_is_taken():
    verify = verifier(audience=("shop", "chat"), issuer=("a", "b"))
    assert verify(sign(SECRET, "HS256", aud=["x", "chat"], iss="b")).name == "Ann"


def test_clocks_may_differ_by_the_leeway():
    now = claims()["iat"]
    assert "expired" in rejection(hs256, sign(SECRET, "HS256", exp=now - 5))
    assert "yet" in rejection(hs256, sign(SECRET, "HS256", nbf=now + 20))
    verify = verifier(leeway=30)
    assert verify(sign(SECRET, "HS256", exp=now - 5, nbf=now + 20)).name == "Ann"
    assert "expired" in rejection(verify, sign(SECRET, "HS256", exp=now - 40))


# -- attacks


@pytest.mark.parametrize("name", ["none", "None", "NONE", "nOnE", "", None, 5, ["HS256"], {"HS256": 1}])
def test_a_token_without_a_signature_is_refused(name):
    assert (
        rejection(hs256, forged({"alg": name}, claims()))
        == "the token is signed by an algorithm that is not allowed here"
    )


def test_the_unsecured_token_of_rfc_7519_is_refused():
    assert "is not allowed here" in rejection(verifier(leeway=10**10), jose_vectors.UNSECURED)


@pytest.mark.parametrize("secret", [pem(RSA), pem(RSA).strip(), pem(RSA) + "\n"])
@pytest.mark.parametrize("algorithm", ["HS256", "HS512"])
def test_a_public_key_is_no_secret(secret, algorithm):
    head = forged({"alg": algorithm}, claims()).rpartition(".")[0]
    digest = {"HS256": hashlib.sha256, "HS512": hashlib.sha512}[algorithm]
    token = f"{head}.{encoded(hmac.new(secret.encode(), head.encode(), digest).digest())}"
    assert "is not allowed here" in rejection(verifier(key=pem(RSA), algorithms=["RS256"]), token)
    with pytest.raises(OptionsError, match="not a key for HS256"):
        verifier(key=pem(RSA), algorithms=["RS256", "HS256"])


def test_a_public_key_of_a_set_is_no_secret(tmp_path):
    path = tmp_path / "keys.json"
    path.write_bytes(key_set(jwk(RSA, kid="one")))
    verify = verifier(key=None, jwks=path, algorithms=["RS256", "HS256"], jwks_cooldown=1000)
    head = forged({"alg": "HS256", "kid": "one"}, claims()).rpartition(".")[0]
    algorithm = jwt.get_algorithm_by_name("HS256")
    for secret in (jwk(RSA)["n"].encode(), pem(RSA).encode()):
        token = f"{head}.{encoded(algorithm.sign(head.encode(), secret))}"
        with pytest.raises(InvalidTokenError, match="unknown key"):
            asyncio.run(verify(token))


def test_an_algorithm_that_is_not_allowed_is_refused_even_with_the_right_key():
    assert "is not allowed here" in rejection(verifier(algorithms=["HS512"]), sign(SECRET, "HS256"))
    assert "is not allowed here" in rejection(verifier(key=pem(RSA), algorithms=["PS256"]), sign(RSA, "RS256"))


def test_a_key_that_a_token_brings_is_not_looked_at():
    headers = {"jwk": jwk(EC, kid="mine"), "kid": "mine", "x5c": ["AAAA"]}
    token = sign(EC, "ES256", headers)
    other = verifier(key=pem(ec.generate_private_key(ec.SECP256R1())), algorithms=["ES256"])
    assert "signature is wrong" in rejection(other, token)
    symmetric = sign("another secret of more than thirty-two bytes", "HS256", {"jwk": {"kty": "oct", "k": "AAAA"}})
    assert "signature is wrong" in rejection(hs256, symmetric)


def test_an_address_that_a_token_names_is_never_asked():
    with issuer() as evil:
        evil.document = key_set(jwk(EC, kid="one"))
        token = sign(EC, "ES256", {"jku": evil.url, "x5u": evil.url, "kid": "one"})
        other = verifier(key=pem(ec.generate_private_key(ec.SECP256R1())), algorithms=["ES256"])
        assert "signature is wrong" in rejection(other, token)
        assert evil.asked == 0


@pytest.mark.parametrize("key_id", [5, ["one"], {"one": 1}, True])
def test_a_kid_that_is_no_text_is_refused(key_id, tmp_path):
    token = forged({"alg": "RS256", "kid": key_id}, claims())
    assert "malformed" in rejection(verifier(key=pem(RSA), algorithms=["RS256"]), token)
    path = tmp_path / "keys.json"
    path.write_bytes(key_set(jwk(RSA, kid="one")))
    assert "malformed" in rejection(verifier(key=None, jwks=path, algorithms=["RS256"]), token)


@pytest.mark.parametrize(
    "head", ["", "e30", "W10", "!", "bnVsbA", "eyJhbGciOiJub25lIn0", "Wy", "é" * 8, encoded(b"[" * 5000)]
)
def test_a_header_that_can_not_be_read_is_refused_before_any_key_is_looked_for(head, tmp_path):
    path = tmp_path / "keys.json"
    path.write_bytes(key_set(jwk(RSA, kid="one")))
    verify = verifier(key=None, jwks=path, algorithms=["RS256"])
    assert rejection(verify, f"{head}.e30.AAAA")
    assert rejection(verify, head)


def test_a_critical_header_that_nobody_knows_is_refused():
    token = sign(SECRET, "HS256", {"crit": ["exp-2"], "exp-2": 1})
    assert rejection(hs256, token) == "the token is malformed, or its signature is wrong"


def test_a_detached_payload_is_refused():
    assert hs256_refuses(jwt.PyJWS().encode(json.dumps(claims()).encode(), SECRET, "HS256", {"b64": False}))


def hs256_refuses(token):
    return bool(rejection(hs256, token))


TOKEN = sign(SECRET, "HS256")


@pytest.mark.parametrize("length", range(0, len(TOKEN), 7))
def test_a_truncated_token_is_refused(length):
    assert hs256_refuses(TOKEN[:length] or ".")


@given(st.integers(0, len(TOKEN) - 1), st.characters())
def test_a_token_with_one_character_changed_is_refused(place, character):
    changed = TOKEN[:place] + character + TOKEN[place + 1 :]
    if changed != TOKEN:
        assert hs256_refuses(changed)


@given(st.text() | st.lists(st.text(alphabet="eyJhbGciOi.-_="), min_size=3, max_size=3).map(".".join))
def test_what_is_no_token_is_refused(text):
    if text != TOKEN:
        assert hs256_refuses(text)


@given(
    st.dictionaries(st.sampled_from(["alg", "kid", "crit", "b64", "typ", "zip"]), st.text() | st.none() | st.booleans())
)
def test_whatever_the_header_says_an_unsigned_token_is_refused(header):
    assert hs256_refuses(forged(header | {"alg": "HS256"}, claims(), b"signature"))


@pytest.mark.parametrize("payload", [b"[1]", b'"text"', b"", b"{", b"\xff", b"[" * 4000, b'{"exp":' + b"[" * 3000])
def test_claims_that_are_no_object_are_refused_even_with_the_right_signature(payload):
    assert hs256_refuses(jwt.PyJWS().encode(payload, SECRET, "HS256"))


def test_a_header_of_many_brackets_is_refused():
    assert hs256_refuses(f"{encoded(b'[' * 5000)}.e30.AAAA")


# -- keys that are not good enough


@pytest.mark.parametrize(
    ("key", "algorithms", "message"),
    [
        ("s3cret", ["HS256"], "too short for HS256"),
        ("x" * 32, ["HS256", "HS512"], "too short for HS512"),
        ("", ["HS256"], "not a key for HS256"),
        (pem(WEAK_RSA), ["RS256"], "too short for RS256"),
        ("x" * 64, ["RS256"], "not a key for RS256"),
        (pem(RSA), ["ES256"], "not a key for ES256"),
        (pem(EC), ["ES384"], "not a key for ES384"),
        (pem(RSA), ["EdDSA"], "not a key for EdDSA"),
        (json.dumps({"kty": "oct", "k": "A" * 60}), ["HS256"], "not a key for HS256"),
    ],
)
def test_a_key_that_does_not_fit_is_an_error(key, algorithms, message):
    with pytest.raises(OptionsError, match=message) as caught:
        verifier(key=key, algorithms=algorithms)
    assert not key or key not in str(caught.value)


def test_without_pyjwt_the_error_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "jwt", None)
    with pytest.raises(MissingExtraError, match=r'pip install "socketify-ext\[jwt\]"'):
        verifier()


def test_a_key_set_without_a_key_that_fits_is_an_error(tmp_path):
    path = tmp_path / "keys.json"
    for document, message in [
        (None, "No such file"),
        (b"{}", "not a JSON Web Key Set"),
        (key_set(), "no key for ES256"),
    ]:
        if document is not None:
            path.write_bytes(document)
        with pytest.raises(OptionsError, match=message):
            verifier(key=None, jwks=path, algorithms=["ES256"])


# -- the vectors of the RFCs


@pytest.mark.parametrize(("algorithm", "key", "token"), jose_vectors.SIGNED)
def test_the_vectors_of_rfc_7515(tmp_path, algorithm, key, token):
    path = tmp_path / "keys.json"
    path.write_bytes(key_set(key))
    options = {"key": None, "jwks": path, "algorithms": [algorithm], "issuer": "joe", "id_claim": "iss"}
    verify = verifier(**options, leeway=10**10)
    assert verify(token) == {"name": "joe", "iss": "joe", "exp": 1300819380, "http://example.com/is_root": True}
    assert rejection(verifier(**options), token) == "the token has expired"
    swapped = token.rpartition(".")[0] + "." + token.rpartition(".")[2][::-1]
    assert hs256_refuses(token)
    assert rejection(verify, swapped)


def test_the_vector_of_rfc_8037(tmp_path):
    path = tmp_path / "keys.json"
    path.write_bytes(key_set(jose_vectors.ED))
    verify = verifier(key=None, jwks=path, algorithms=["EdDSA"])
    key = verify._keys.known(None, "EdDSA")
    assert jwt.PyJWS().decode(jose_vectors.ED_SIGNED, key, ["EdDSA"]) == b"Example of Ed25519 signing"
    assert "malformed" in rejection(verify, jose_vectors.ED_SIGNED)  # it is signed rightly, and holds no claims
    private = jwt.PyJWK(jose_vectors.ED | {"d": jose_vectors.ED_PRIVATE}).key
    assert verify(sign(private, "EdDSA")).name == "Ann"
    assert "signature is wrong" in rejection(verify, sign(ED, "EdDSA"))


def test_no_warning_comes_of_a_token():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert hs256(TOKEN).name == "Ann"
        hs256_refuses(forged({"alg": "HS256"}, claims(), b"x"))
