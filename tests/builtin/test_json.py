import socketify_ext
from socketify_ext.builtin.json import MsgspecSerializer


class Text:
    """A serializer of the core's kind, which gives text."""

    dumps = staticmethod(repr)
    loads = staticmethod(eval)


def test_an_answer_is_encoded_by_msgspec_itself_with_nothing_around_it():
    app = socketify_ext.App()
    app.register(socketify_ext.load("json"))
    encode = app._server.dump_json
    assert type(encode.__self__).__module__ == "msgspec.json"
    assert encode({"a": [1]}) == b'{"a":[1]}'
    assert type(MsgspecSerializer().dumps) is type(encode)


def test_a_serializer_may_give_text():
    app = socketify_ext.App()
    app.json_serializer(Text)
    assert app._server.dump_json([1]) == b"[1]"
