import socketify_ext
from socketify_ext.builtin.json.extension import MsgspecSerializer


class Text:
    """A serializer of the core's kind, which gives text."""

    dumps = staticmethod(repr)
    loads = staticmethod(eval)


def test_the_extension_is_the_serializer_of_the_app():
    app = socketify_ext.App()
    default = app._server.dump_json
    app.register(socketify_ext.load("json"))
    assert type(app._json_serializer) is MsgspecSerializer
    assert app._server.dump_json is app._json_serializer.dump_bytes is not default
    assert app._server.dump_json({"a": [1, 1e16]}) == b'{"a":[1,1e16]}'


def test_a_serializer_may_give_text():
    app = socketify_ext.App()
    app.json_serializer(Text)
    assert app._server.dump_json([1]) == b"[1]"
