"""The whole state of an app's routes, hooks, options, extensions and scopes, to compare before and after a failure."""

from socketify_ext.runtime.hooks import Hooks

EVENTS = ("before_request", "before_send", "on_error", "after_response", "on_ws_open", "on_route")


def app_state(app):
    """Return a value that two equal states have in common."""
    server = app._server
    return {
        "scopes": [_node(node) for node in server.root.subtree()],
        "routes": [_route(route) for route in server.routes],
        "names": dict(server.route_names),
        "serializer": app._json_serializer,
        "backplane": app.backplane,
        "change": server.change,
        "lifecycle": [(entry.who, *entry.startup, *entry.shutdown) for entry in app._lifecycle_entries()],
        "attributes": {name: value for name, value in vars(app).items() if not name.startswith("_")},
    }


def hooks_of(route, event="before_request"):
    """Return the functions of the hooks that may concern a route."""
    return [hook.function for hook, _ in route.node.hooks.of(event, route)]


def route_at(app, pattern, method="GET"):
    """Return the route of a pattern."""
    return next(route for route in app._server.routes if (route.info.method, route.pattern) == (method, pattern))


def _node(node):
    plan = node.registration.current
    declared = [(name, each.app.hooks, each.app.route_options, each.app._committed) for name, each in plan.own.items()]
    assert isinstance(node.hooks, Hooks)
    return (
        node.prefix,
        [*plan.declarations],
        [spec.name for spec in plan.resolution.order],
        [*plan.resolution.members],
        plan.classes,
        declared,
        node.own_hooks,
        node.own_options,
        node.not_found,
        [*node.options],
        node.hooks._places,
        len(node.children),
    )


def _route(route):
    return (
        route.name,
        route.info,
        dict(route.waiting),
        dict(route.option_hooks),
        route.max_body,
        route.told,
        route.request_class,
        [hooks_of(route, event) for event in EVENTS],
        getattr(getattr(route, "handler", None), "__qualname__", None),
        [_route(twin) for twin in route.twins],
    )
