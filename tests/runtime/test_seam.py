"""The private names of the core that the runtime leans on are there, and mean what they meant."""

import ast
import inspect

import pytest
import socketify
from socketify import socketify as core

from socketify_ext import Request, Response, WebSocket
from socketify_ext.runtime.core import CORE_CLASSES, SEAM

OWNERS = {
    "App": core.App,
    "AppExtension": core.AppExtension,
    "AppRequest": core.AppRequest,
    "AppResponse": core.AppResponse,
    "Loop": socketify.Loop,
    "WebSocket": core.WebSocket,
}


def attributes_of(owner):
    """Return the names that a core class defines or sets on itself anywhere."""
    tree = ast.parse(inspect.getsource(owner))
    stored = {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "self"
    }
    return stored | set(dir(owner))


@pytest.mark.parametrize("owner", SEAM)
def test_the_core_still_has_the_private_names(owner):
    assert set(SEAM[owner]) <= attributes_of(OWNERS[owner])


def own_names(target):
    """Return the names that our class and its own bases define."""
    ours = {"request": Request, "response": Response, "ws": WebSocket}[target]
    return {name for kind in ours.__mro__ if kind.__module__.startswith("socketify_ext") for name in vars(kind)}


@pytest.mark.parametrize("target", CORE_CLASSES)
def test_all_state_that_the_core_sets_has_a_class_level_default(target):
    state = set(vars(CORE_CLASSES[target](core.ffi.NULL, None)))
    assert state <= own_names(target)


@pytest.mark.parametrize("target", CORE_CLASSES)
def test_every_method_of_the_core_that_reads_native_memory_is_guarded(target):
    pointer = {"request": "req", "response": "res", "ws": "ws"}[target]
    native = {
        name
        for name, function in vars(CORE_CLASSES[target]).items()
        if inspect.isfunction(function) and f"self.{pointer}" in inspect.getsource(function) and name != "__init__"
    }
    assert native <= own_names(target)


def test_register_hands_the_three_extension_objects_over():
    seen = []
    app = socketify.App()
    app.register(lambda *given: seen.extend(given))
    assert seen == [app._request_extension, app._response_extension, app._ws_extension]
    assert [type(each) for each in seen] == [core.AppExtension] * 3
