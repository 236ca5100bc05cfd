import gc
import sys

import pytest

import socketify_ext


def blocks_each(cls, names):
    """Count the memory blocks of one object that has these attributes."""
    made = []
    gc.disable()  # what other tests have left would go meanwhile
    try:
        before = sys.getallocatedblocks()
        for _ in range(1000):
            one = object.__new__(cls)
            for name in names:
                setattr(one, name, None)
            made.append(one)
        return round((sys.getallocatedblocks() - before) / len(made))
    finally:
        gc.enable()


@pytest.mark.parametrize("registered", [False, True])
@pytest.mark.parametrize(
    ("target", "always", "often"),
    [
        ("response", ("res", "_request", "_answered"), ("_status", "_body_only", "_head")),
        ("response", ("res", "_request"), ("_key", "_body_only", "_single_write", "_tasks", "_route", "_answered")),
        ("request", ("req",), ("_url", "_query", "_params", "_headers")),
    ],
)
def test_what_a_request_often_gets_takes_no_dict_of_its_own(target, always, often, registered):
    app = socketify_ext.App()
    if registered:
        app.register(socketify_ext.load("cart"))
    cls = app._node.classes[target]
    plain = blocks_each(cls, always)
    assert blocks_each(cls, (*always, *often)) == plain
