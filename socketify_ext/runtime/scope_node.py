"""The tree of scopes behind an app: what the routes of each share. Its root is the app itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from .. import errors
from ..errors import HTTPError
from ..sdk.path_prefix import matches
from ..sdk.request_hooks import owner
from .hooks import Hooks

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..registration import Declarations, Registration
    from ..sdk.compilation import Classes
    from ..sdk.path_prefix import Segments
    from ..sdk.request_hooks import RequestHook
    from ..sdk.route_info import RouteInfo
    from ..sdk.route_option import RouteOption
    from .request import Request
    from .response import Response
    from .server import Server
    from .unmatched import LastRoute

NO_OPTIONS: Final[Mapping[str, RouteOption]] = MappingProxyType({})


class ScopeNode:
    """One scope: what was put on it, and what follows from that and from the scopes above.

    Attributes:
        prefix: that of all its paths, "" for the app.
        app: the object that extensions get as their app: the app itself, or its `Scope`.
        registration: its extensions.
        own_hooks: the hooks that the program has put on it.
        own_options: the route options that the program has declared on it.
        not_found: answers what is not there; None leaves that to the scope above.
        children: the scopes in it, in the order in which they were made.
        hooks: all hooks of its routes, in order.
        options: all options of its routes, by name.
        last: the route of requests below its prefix that no route takes; None until the server listens.
    """

    def __init__(
        self, server: Server, app: Any, registration: Registration, prefix: str, parent: ScopeNode | None
    ) -> None:
        self.server = server
        self.app = app
        self.registration = registration
        registration.below = self.below
        self.prefix = prefix
        self.segments: Segments = tuple(prefix.split("/")[1:])
        self.parent = parent
        self.own_hooks: tuple[RequestHook, ...] = ()
        self.own_options: tuple[RouteOption, ...] = ()
        self.not_found: Callable[..., Any] | None = None
        self.children: tuple[ScopeNode, ...] = ()
        self.hooks = Hooks()
        self.options = NO_OPTIONS
        self.last: LastRoute | None = None

    @property
    def classes(self) -> Classes:
        """Return the compiled classes of the extensions that are in effect."""
        return self.registration.current.classes

    @property
    def path(self) -> list[ScopeNode]:
        """Return the scopes from the app to this one."""
        above = [] if self.parent is None else self.parent.path
        return [*above, self]

    def subtree(self) -> Iterator[ScopeNode]:
        """Yield this scope and those in it, each behind the one above it."""
        yield self
        for child in self.children:
            yield from child.subtree()

    def own_routes(self) -> Iterator[RouteInfo]:
        """Yield the routes that were added here, in the order of their addition."""
        for route in self.server.routes:
            if route.node is self and route.is_listed:
                yield route.info

    def below(self) -> Iterator[Declarations]:
        """Yield the extensions that are registered in the scopes below."""
        for child in self.children:
            for node in child.subtree():
                yield node.registration.current.own

    def made_hooks(self) -> Hooks:
        """Return the hooks of the routes: those of extensions in resolved order, then those of the program."""
        own: list[tuple[Any, Sequence[RequestHook]]] = [(node, node.own_hooks) for node in self.path]
        return Hooks([*self.registration.current.hooks(), *own])

    def made_options(self) -> Mapping[str, RouteOption]:
        """Return the options of the routes.

        Raises:
            RouteOptionError: two of them have one name.
        """
        made: dict[str, RouteOption] = {}
        declared = [declaration.app.route_options for declaration in self.registration.current.declarations.values()]
        for option in (each for options in (*declared, *(node.own_options for node in self.path)) for each in options):
            earlier = made.setdefault(option.name, option)
            if earlier is not option:
                raise _declared_twice(
                    *((option, earlier) if self.options.get(option.name) is option else (earlier, option))
                )
        return made

    def place_of(self, option: RouteOption) -> Any:
        """Return what stands for the owner of an option in the order of the hooks."""
        if option.provenance is not None:
            return option.provenance.extension
        return next(node for node in self.path if option in node.own_options)

    def find(self, path: str) -> ScopeNode:
        """Return the scope with the longest prefix that a path is below; of several the first one, and no one without a prefix."""
        found = self
        for child in self.children:
            if matches(child.segments, path):
                deeper = child.find(path)
                if len(deeper.segments) > len(found.segments):
                    found = deeper
        return found

    def answer_not_found(self, response: Response, request: Request) -> Any:
        """Answer that nothing is there, as the scope says, or the nearest one above that says something.

        Raises:
            HTTPError: 404, none says anything.
        """
        for node in reversed(self.path):
            if node.not_found is not None:
                return node.not_found(response.write_status(404), request)
        raise HTTPError(404)


def _declared_twice(earlier: RouteOption, option: RouteOption) -> errors.RouteOptionError:
    return errors.RouteOptionError(
        owner(option.provenance),
        f"declares the route option {option.name} ({option.location})",
        f"{owner(earlier.provenance)} declares it already ({earlier.location})",
        "Register one of the two, or each in a scope of its own: app.scope(...).register(...)",
        option=option.name,
    )
