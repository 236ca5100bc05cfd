"""The error catalogue: one class, one stable code, one cause and one fix each.

Codes are grouped by the step that raises them: 1xx declaration and spec, 2xx resolution,
3xx registry and discovery, 4xx registration, extras and lifecycle, 5xx while a request or a socket is served,
6xx the command line, 7xx the kit for authors.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any, ClassVar


class HTTPError(Exception):
    """Answer a request with a status and a body `{"detail": detail}`.

    Args:
        status: the status code.
        detail: any JSON value; the status code's phrase by default.
        headers: further headers of the answer.
    """

    def __init__(self, status: int, detail: Any = None, headers: Mapping[str, str] | None = None) -> None:
        self.status = status
        self.detail = _phrase(status) if detail is None else detail
        self.headers = dict(headers or {})
        super().__init__(status, self.detail)

    def __str__(self) -> str:
        return f"{self.status} {self.detail}"


def _phrase(status: int) -> str:
    from http import HTTPStatus

    return HTTPStatus(status).phrase


class ExtensionError(Exception):
    """Report what went wrong, in the order who, what, why, fix.

    The four parts, and whatever else a subclass names, are attributes of the error.
    """

    code: ClassVar[str] = "EXT000"
    cause: ClassVar[str] = "The common ancestor of every error below; never raised itself."
    remedy: ClassVar[str] = "Catch it to handle whatever this package can raise."

    def __init__(self, who: str, what: str, why: str = "", fix: str = "", **parts: Any) -> None:
        self.who, self.what, self.why, self.fix = who, what, why, fix
        for name, value in parts.items():
            setattr(self, name, value)
        message = f"{who} {what}: {why}" if why else f"{who} {what}"
        super().__init__(" ".join([f"[{self.code}]", *(_sentence(text) for text in (message, fix) if text)]))

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.args, self.__dict__)


class UntestedVersionWarning(UserWarning):
    """An extension is loaded with a version of socketify-ext, socketify or Python that its author has not tested."""


def require_extra(module: str, extra: str, who: str, *, distribution: str = "socketify-ext") -> None:
    """Check that a module which an extra installs can be imported.

    Args:
        module: the module's name, as in "redis".
        extra: the extra that installs it.
        who: what needs it, as in "extension 'pm'".
        distribution: the distribution that has the extra.

    Raises:
        MissingExtraError: it can't be imported.
    """
    try:
        importlib.import_module(module)
    except ImportError as error:
        raise MissingExtraError(
            who,
            f"needs the module {module}",
            str(error),
            f'Install the extra: pip install "{distribution}[{extra}]"',
            module=module,
            extra=extra,
        ) from error


def _sentence(text: str) -> str:
    return text if text.endswith((".", "?", "!")) else f"{text}."


def _rebuild(kind: type[ExtensionError], args: tuple[Any, ...], parts: dict[str, Any]) -> ExtensionError:
    error = kind.__new__(kind, *args)
    error.args = args
    error.__dict__.update(parts)
    return error


class DeclarationError(ExtensionError, ValueError):
    """The declaration of an extension as a whole, or an app's policy, is malformed."""

    code = "EXT100"
    cause = (
        "A name, options model, `requires`, `before`, `after` or policy is malformed, or members are added too late."
    )
    remedy = "Correct what the message names."


class SignatureError(ExtensionError, TypeError):
    """An extension or a member has a signature that can't be called."""

    code = "EXT101"
    cause = "An extension is not `def extension(request, response, ws)`, a method takes no `self`, or a function is not callable."
    remedy = "Use the signature that the message shows."


class MemberNameError(ExtensionError, ValueError):
    """A member's name can't be used as an attribute that people call."""

    code = "EXT102"
    cause = "A member's name is not a public identifier or is used twice, or no member of that name exists to adjust."
    remedy = "Give a public identifier, with `name=` for lambdas and builtins."


class PropertyError(ExtensionError, ValueError):
    """A property's default, factory and type do not fit together."""

    code = "EXT103"
    cause = "A property has a default and a factory or a function, or a default that does not fit its type or can't be copied."
    remedy = (
        "Give one of `default`, `default_factory` and a function; a default fits `type`, a factory takes no arguments."
    )


class OptionsError(ExtensionError, ValueError):
    """Options do not fit the model of `extension`; `missing` are those that must be given."""

    extension: str = ""
    missing: tuple[str, ...] = ()
    code = "EXT104"
    cause = "An option is unknown, missing or has the wrong type or value."
    remedy = "Pass options as `socketify-ext show NAME` lists them."


class CoreNameError(ExtensionError, ValueError):
    """A member would shadow an attribute of the core."""

    code = "EXT200"
    cause = "A member has the name of an attribute that socketify itself uses."
    remedy = "Rename it, or say `override=True`; the core's state attributes can never be replaced."


class CollisionError(ExtensionError, ValueError):
    """Two extensions provide one member; `collisions` holds all of them."""

    code = "EXT201"
    cause = "Two extensions add a member of the same name to the same target."
    remedy = "Rename one, leave one out with `only`, or declare one an override."


class MissingRequirementError(ExtensionError, LookupError):
    """An extension requires one that is not there or has another version."""

    code = "EXT202"
    cause = "A required extension is not registered and can't be loaded with defaults, or its version does not fit."
    remedy = "Install it, register it first with its options, or upgrade it."


class OrderingCycleError(ExtensionError, ValueError):
    """`requires`, `before` and `after` contradict each other; `cycle` holds the names."""

    code = "EXT203"
    cause = "The order that extensions ask for forms a cycle."
    remedy = "Drop one of the `before`, `after` or `requires` along the printed cycle."


class AlreadyRegisteredError(ExtensionError, ValueError):
    """An extension is registered a second time with other options."""

    code = "EXT204"
    cause = "The app already has an extension of that name, with other options or adjustments."
    remedy = "Register it once, with the options that you want."


class UnknownExtensionError(ExtensionError, LookupError):
    """No provider has an extension of that name; `suggestions` holds close ones."""

    code = "EXT300"
    cause = "No built-in, installed plugin or programmatic extension has that name."
    remedy = "Check the spelling with `socketify-ext list`, or install the plugin."


class BrokenPluginError(ExtensionError, ImportError):
    """A plugin's entry point can't be loaded; the cause is chained."""

    code = "EXT301"
    cause = "Importing the plugin failed, or its entry point is not an extension."
    remedy = "Upgrade or reinstall the distribution that the message names, or report it to its author."


class DuplicateProviderError(ExtensionError, LookupError):
    """Two distributions provide one extension name; `providers` holds both."""

    code = "EXT302"
    cause = "Two installed distributions provide an extension of one name, or a program adds a name that is taken."
    remedy = 'Pick one with `load("distribution:name")`, or uninstall the other.'


class BlockedExtensionError(ExtensionError, LookupError):
    """The extension is blocked by name."""

    code = "EXT303"
    cause = "The environment variable SOCKETIFY_EXT_DISABLE, or `Registry.block`, names the extension."
    remedy = "Take the name out of SOCKETIFY_EXT_DISABLE."


class HookError(ExtensionError, TypeError):
    """A plugin's hook is unknown or has arguments that the hook does not pass."""

    code = "EXT304"
    cause = "A plugin implements an unknown hook, asks for an argument that the hook does not pass, or answers wrongly."
    remedy = "Use a hook of `socketify_ext.hookspecs` with its arguments; SOCKETIFY_EXT_DISABLE leaves the plugin out."


class ManifestError(ExtensionError, ValueError):
    """A plugin's manifest can't be used; `path` names the file, `distribution` the plugin."""

    code = "EXT305"
    cause = "A plugin's `socketify-ext.json` is no manifest, has another format, or describes another extension."
    remedy = "Write it again with `socketify-ext manifest NAME`; without the file, the plugin is imported instead."


class CoreUnavailableError(ExtensionError, ImportError):
    """The core can't be imported on this system."""

    code = "EXT400"
    cause = "socketify can't be loaded; most often the system library libuv is missing."
    remedy = "Install libuv (Debian and Ubuntu: `apt-get install libuv1`; macOS: `brew install libuv`)."


class InstallError(ExtensionError, RuntimeError):
    """`install(app)` comes too late, or is needed and was not called."""

    code = "EXT401"
    cause = "The app already has routes that the core serves, or a feature needs an installed app."
    remedy = "Call `socketify_ext.install(app)` right after the app was made, before any route."


class LifecycleError(ExtensionError, RuntimeError):
    """A start-up function failed, or came too late to run."""

    code = "EXT402"
    cause = "A start-up function raised, or an extension with start-up functions came after the start."
    remedy = "Correct the chained cause (what had started was stopped), or register before `app.listen()`."


class ListenError(ExtensionError, OSError):
    """The server can't listen at the given address."""

    code = "EXT403"
    cause = "The port or socket path is taken, not allowed to this user, or not a valid address; a certificate has another key."
    remedy = (
        "Stop the other server, choose another port, share it with `reuse_port=True`, or write the address as shown."
    )


class MissingExtraError(ExtensionError, ImportError):
    """A module of an optional dependency can't be imported; `module` and `extra` name it and what installs it."""

    code = "EXT404"
    cause = "A feature needs a package that an extra of the distribution installs, and the extra is not installed."
    remedy = "Install the extra that the message names."


class DuplicateBackplaneError(ExtensionError, ValueError):
    """An app gets a second backplane."""

    code = "EXT405"
    cause = "Two extensions want to carry an app's publications to other processes."
    remedy = "Register one backplane."


class ArgumentError(ExtensionError, TypeError):
    """A function is called with an object of the wrong kind."""

    code = "EXT406"
    cause = "`install` gets no socketify App, an extension is called with other objects than the core's, and the like."
    remedy = "Pass the object that the message names."


class RequestGoneError(ExtensionError, RuntimeError):
    """A request is read after its handler returned."""

    code = "EXT500"
    cause = "The request's memory belongs to the next request once a handler has returned."
    remedy = "Read it in the handler, use an `async def` handler, or call `req.preserve()` first."


class ConnectionClosedError(ExtensionError, ConnectionError):
    """A WebSocket is used after it closed."""

    code = "EXT501"
    cause = "The client or the server has closed the WebSocket."
    remedy = "Check `ws.closed`, or catch this error where a client may leave at any time."


class HeaderError(ExtensionError, ValueError):
    """A header, status or cookie would split the response, or browsers would drop the cookie."""

    code = "EXT502"
    cause = (
        "A header name is not a token, a value holds CR, LF, NUL or another control character (RFC 9110, 5.5), or browsers "
        "would drop a cookie."
    )
    remedy = "Encode or reject the value before it reaches a header; write a cookie as the message shows."


class CorkError(ExtensionError, TypeError):
    """A cork callback is a coroutine function."""

    code = "EXT503"
    cause = "Calls inside a cork must be synchronous."
    remedy = "Await before the cork, and pass a plain function."


class DuplicateRouteError(ExtensionError, ValueError):
    """A route has the method and the pattern of one that is there."""

    code = "EXT504"
    cause = "A method and a pattern are routed twice; the core would end the process."
    remedy = "Give one of the two routes another path."


class ThreadError(ExtensionError, RuntimeError):
    """A request, a response, a WebSocket or an app is used from a thread that does not serve it."""

    code = "EXT505"
    cause = "Another thread than the server's reads a request, or makes a call of which an answer is expected."
    remedy = "Make the call in the handler, or hand it over with `loop.call_soon_threadsafe`."


class BodyError(ExtensionError, ValueError):
    """A body is read or written in two ways, too late, or beyond its size."""

    code = "EXT506"
    cause = (
        "`try_end` or `send_chunk` goes beyond the size that it has announced, two of them overlap, or a body is read twice "
        "or too late."
    )
    remedy = "Announce the whole size each time, and await each `send_chunk`; read a body once, before the answer."


class RouteError(ExtensionError, ValueError):
    """A route's path, handler or folder can't be served."""

    code = "EXT507"
    cause = "A path the core would take otherwise than it is written, a handler that can't be called, a missing folder."
    remedy = "Write the path, the handler or the folder as the message shows."


class ParameterError(ExtensionError, LookupError):
    """A route has no parameter of the name that a handler asks for."""

    code = "EXT508"
    cause = "`req.get_parameter` is called with a name that does not stand in the route's path."
    remedy = "Ask for a name of the path, as `id` of `/users/:id`, or for a position."


class EventError(ExtensionError, ValueError):
    """A Server-Sent Event holds what would change the stream, or nothing."""

    code = "EXT509"
    cause = (
        "The id or the name of an event holds a line break or NUL, its `retry` is negative, or it has nothing to send."
    )
    remedy = "Encode or reject ids and names that come from clients; give data, an id or a retry."


class StoreAddressError(ExtensionError, ValueError):
    """A store's URL, or a key in it, is malformed."""

    code = "EXT510"
    cause = "A store's URL has no known scheme or a wrong option, or a key is empty, too long or no text."
    remedy = "Write memory://, sqlite:///path or redis://host:port/0; a key has 1 to 512 bytes."


class StoreUnavailableError(ExtensionError, ConnectionError):
    """A store can't be reached; the engine's own error is chained."""

    code = "EXT511"
    cause = "The engine behind a store is away, full, or refuses what it was asked."
    remedy = "Look at the chained error and at the engine; the store goes on by itself once the engine is back."


class StoreBusyError(ExtensionError, TimeoutError):
    """A key was edited by others for as long as an edit waits."""

    code = "EXT512"
    cause = "Other edits of the same key did not end in time; a process that was killed in one holds it for seconds."
    remedy = "Try again, and keep what happens inside `async with store.edit(key)` short."


class StoreConflictError(ExtensionError, RuntimeError):
    """A key was written by someone else during an edit that took too long; nothing of the edit was saved."""

    code = "EXT513"
    cause = "`set` or `delete` wrote the key during an edit, or the edit took longer than its lease."
    remedy = "Run the edit again; write a key that others edit with `edit` or `update` only."


class CartError(ExtensionError, RuntimeError):
    """A stored cart is used in the wrong order, or has no owner."""

    code = "EXT514"
    cause = "A cart is saved before it was loaded, loaded over items, or saved after the answer has gone; or a user has no name."
    remedy = "Load the cart, change it, save it, then answer; or use `async with req.edit_cart() as cart`."


class RouteOptionError(ExtensionError, ValueError):
    """An option of a route is unknown, ill-typed, or declared wrongly; `option` is its name, `route` its `RouteInfo`."""

    code = "EXT515"
    cause = (
        "No extension has declared an option that a route has, its value does not fit the declared type, or what the option "
        "does to the route failed; or two extensions declare one option."
    )
    remedy = (
        "Correct the call at the file and line that the message names, or register the extension that has the option."
    )


class ScopeError(ExtensionError, RuntimeError):
    """A scope is asked for what concerns the whole app."""

    code = "EXT516"
    cause = "A serializer, a backplane, `listen`, `run` and the like are the app's, and a scope or its extension asks for one."
    remedy = "Call it on the app, or register the extension on the app instead of a scope."


class ComputationError(ExtensionError, RuntimeError):
    """A computed property can't be computed, or is used before it is awaited."""

    code = "EXT517"
    cause = "A computed property needs its own value, computes a coroutine, or is async and used as a condition without `await`."
    remedy = "Compute it from other values, in an `async def` where it awaits, and await an async one."


class AnswerError(ExtensionError, ValueError):
    """An object that a route answers does not fit its `returns=`; `status` is the one that it is answered with."""

    code = "EXT518"
    cause = "A handler answers with an object that the model of its status in `returns=` refuses, or a status that has no model."
    remedy = "Answer with what the model describes, add the status to `returns=`, or raise an `HTTPError`."


class UnansweredError(ExtensionError, RuntimeError):
    """A handler has returned without an answer; hooks and the error handler get it, and the client 500."""

    code = "EXT519"
    cause = "A handler returns nothing, or something that is no answer, and no task or callback of its request is left."
    remedy = "Answer by a call such as `res.end`, or return text, bytes or an object."


class TargetError(ExtensionError, LookupError):
    """The target of a command can't be loaded; `target` is what was given."""

    code = "EXT600"
    cause = "A target of `socketify-ext` names nothing that is there, fails when it is loaded, or takes too long."
    remedy = "Name an extension, or an app as module:attribute; `--traceback` shows where loading it failed."


class GeneratedFileError(ExtensionError, ValueError):
    """A file of a command is missing, out of date, or not written by that command; `path` names it."""

    code = "EXT601"
    cause = (
        "A file of `socketify-ext stubs`, `lock` or `check` is missing, unreadable, out of date, or not written by it."
    )
    remedy = "Where the differences are wanted, write the file anew without `--check`; `--force` replaces any file."


class ServeError(ExtensionError, RuntimeError):
    """A test's server did not start; `log` holds what it has written."""

    code = "EXT700"
    cause = "What was given to `serve` makes no app that listens, or can't be sent to a process of its own."
    remedy = "Give `serve` a function that returns an app; what can't be sent is made inside it."


class ProjectError(ExtensionError, ValueError):
    """A new project can't be written; nothing was."""

    code = "EXT701"
    cause = (
        "The name of a new project is not an identifier, or is taken by a built-in, an installed distribution or the core; "
        "what it requires is not installed, fails or needs options; or its folder is there."
    )
    remedy = (
        "Give `socketify-ext new` another name, or another folder with `--into`; install what it requires, or give its "
        "options with `--option`."
    )


class InjectError(ExtensionError, RuntimeError):
    """A request can't be made without a socket, or has got no answer."""

    code = "EXT702"
    cause = (
        "`inject` is asked for a WebSocket, its app has not been started or is served elsewhere, or the app has closed the "
        "connection or not answered in time."
    )
    remedy = "Write `async with started(app)` around it, or send what needs a connection to a server of `serve`."
