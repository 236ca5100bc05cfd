"""The registry: name -> extension, from built-ins, entry points and programmatic ones; owns one `PluginManager`."""

from __future__ import annotations

import functools
import inspect
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from .. import errors
from ..sdk.suggest import close_names, suggestion
from . import discovery
from .compatibility import warn_if_untested
from .discovery import Candidate, Listing, Status
from .environment import merged, options_in
from .installed import Installed, installed

if TYPE_CHECKING:
    import pluggy

    from ..sdk.declaration import Extension

DISABLE_VARIABLE = "SOCKETIFY_EXT_DISABLE"
_BLOCKED = f"named in {DISABLE_VARIABLE} or blocked by the program"
# PyInstaller and its like collect only the modules that they see imported, and no metadata by themselves.
_FROZEN = "Import it, and pass it to app.register or Registry.add: a frozen program has no metadata of plugins"
_IMPORT_FAILURES = (Exception, SystemExit)  # an import may raise anything, and must not end the program


class Registry:
    """Find, load, list and block extensions.

    Two registries share nothing. Metadata is read once, on first use, and a plugin is imported when it is
    loaded.

    Args:
        entry_points: whether plugins and built-ins are found; False for an empty registry.
        environment: read for SOCKETIFY_EXT_DISABLE and for options; the process's own by default.
    """

    def __init__(self, *, entry_points: bool = True, environment: Mapping[str, str] | None = None) -> None:
        self._entry_points = entry_points
        self._added: dict[str, Extension] = {}
        self._defects: dict[Candidate, str] = {}
        self._compared: set[tuple[str | None, str]] = set()  # extensions whose tested versions were compared
        self._environment = os.environ if environment is None else environment
        self._blocked: tuple[str, ...] = discovery.disabled_names(self._environment.get(DISABLE_VARIABLE, ""))

    @functools.cached_property
    def _candidates(self) -> tuple[Candidate, ...]:
        return self._found(discovery.GROUP)

    @functools.cached_property
    def _hook_candidates(self) -> tuple[Candidate, ...]:
        return self._found(discovery.HOOK_GROUP)

    @functools.cached_property
    def _installed(self) -> tuple[list[Installed], list[Installed]]:
        return installed()

    def leftovers(self) -> tuple[str, ...]:
        """Return the metadata folders of extensions or hooks that do not count, as an interrupted pip leaves them."""
        return tuple(each.folder for each in self._installed[1] if f"[{discovery.GROUP}" in each.entry_points)

    def _found(self, group: str) -> tuple[Candidate, ...]:
        found = discovery.candidates(group, self._installed[0]) if self._entry_points else ()
        return tuple(sorted(found, key=lambda candidate: (candidate.name, candidate.distribution)))

    @functools.cached_property
    def _by_name(self) -> dict[str, list[Candidate]]:
        """Return the candidates by their names, bare and qualified."""
        found: dict[str, list[Candidate]] = {}
        for candidate in self._candidates:
            for name in (candidate.name, candidate.qualified_name):
                found.setdefault(name, []).append(candidate)
        return found

    def _providers(self, name: str) -> list[Candidate]:
        return self._by_name.get(discovery.normal(name), [])

    def _is_blocked(self, candidate: Candidate) -> bool:
        return candidate.name in self._blocked or candidate.qualified_name in self._blocked

    def add(self, extension: Any) -> Extension:
        """Add an extension of the program, which can then be loaded and required by name.

        Raises:
            DuplicateProviderError: the name is taken.
        """
        from ..sdk.declaration import as_extension

        made = as_extension(extension)
        taken = [str(provider) for provider in self._providers(made.name)]
        if made.name in self._added:
            taken.append(str(self._added[made.name].provenance))
        if taken:
            raise errors.DuplicateProviderError(
                f"extension {made.provenance}",
                "is added to the registry",
                f"{' and '.join(taken)} already provides that name",
                "Give it another name",
                providers=tuple(taken),
            )
        self._added[made.name] = made
        return made

    def block(self, *names: str) -> None:
        """Block names from now on, as SOCKETIFY_EXT_DISABLE does: they can't be loaded."""
        self._blocked = (*self._blocked, *map(discovery.normal, names))

    @property
    def unknown_blocked(self) -> tuple[str, ...]:
        """Return the blocked names that no extension has."""
        if not self._blocked:
            return ()
        known = {*self._added}
        for candidate in (*self._candidates, *self._hook_candidates):
            known |= {candidate.name, candidate.qualified_name}
        return tuple(name for name in self._blocked if name not in known)

    def load(self, name: str, /, **options: Any) -> Extension:
        """Load one extension by name, `msgpack` or `distribution:msgpack`, importing it alone.

        Options that are not given are read from the environment: `SOCKETIFY_EXT_AUTH__JWT__KEY=...` is
        `load("auth", jwt={"key": ...})`. An extension that was not tested with the versions that run warns, once.

        Raises:
            UnknownExtensionError, BlockedExtensionError, DuplicateProviderError, BrokenPluginError, OptionsError.
            MissingExtraError: the environment holds options, and the extra `env` is not installed.
        """
        found = self.find(name)
        loaded = found.configured(**merged(self.outside_options(found), options))
        if (loaded.distribution, loaded.name) not in self._compared:
            self._compared.add((loaded.distribution, loaded.name))
            warn_if_untested(loaded)
        return loaded

    def outside_options(self, extension: Extension) -> dict[str, Any]:
        """Return the options of an extension that do not come from the program: those of the environment.

        Raises:
            OptionsError: a variable names no option, or its value is malformed.
            MissingExtraError: there are some, and the extra `env` is not installed.
        """
        names = self.names()
        return options_in(
            self._environment, extension.name, extension.options_model, extension.provenance, others=names
        )

    def find(self, name: str, /) -> Extension:
        """Import one extension by name without its options, to describe it.

        Raises:
            UnknownExtensionError, BlockedExtensionError, DuplicateProviderError, BrokenPluginError.
        """
        from ..sdk.declaration import Extension

        if name in self._blocked:
            raise _blocked_error(name)
        if name in self._added:
            extension = self._added[name]
        else:
            candidate = self.provider(name)
            loaded = self._import(candidate)
            extension = loaded if isinstance(loaded, Extension) else self._wrap(loaded, candidate)
            if extension.name != candidate.name:
                raise self._broken(candidate, f"it declares itself as {extension.name!r}, not as {candidate.name!r}")
            extension = replace(extension, distribution=candidate.distribution, version=candidate.version)
        return replace(extension, loader=self.load)

    def provider(self, name: str, /) -> Candidate:
        """Return the entry point that a name means, `msgpack` or `distribution:msgpack`; nothing is imported.

        Raises:
            UnknownExtensionError, BlockedExtensionError, DuplicateProviderError.
        """
        providers = self._providers(name)
        if not providers:
            known = {*self.names(), *(candidate.qualified_name for candidate in self._candidates)}
            raise errors.UnknownExtensionError(
                f"extension {name!r}",
                "is not known",
                "no built-in, installed plugin or added extension has that name",
                suggestion(name, known) or (_FROZEN if getattr(sys, "frozen", False) else "See `socketify-ext list`"),
                name=name,
                suggestions=close_names(name, known),
            )
        candidate = self._winner(providers)
        if candidate is None:
            raise errors.DuplicateProviderError(
                f"extension {name!r}",
                "has several providers",
                " and ".join(map(str, providers)),
                "Pick one: " + " or ".join(f'load("{provider.qualified_name}")' for provider in providers),
                providers=tuple(providers),
            )
        if self._is_blocked(candidate):
            raise _blocked_error(name)
        return candidate

    def _winner(self, providers: Sequence[Candidate]) -> Candidate | None:
        """Return the provider that a bare name means; of several plugins, the only one that is not blocked."""
        picked = discovery.winner(providers)
        if picked is None:
            picked = discovery.winner(provider for provider in providers if not self._is_blocked(provider))
        return picked

    def _import(self, candidate: Candidate) -> Any:
        from ..sdk.pydantic_plugins import load_pydantic_plugins

        load_pydantic_plugins()  # before the plugin's first model does
        try:
            return candidate.load()
        except _IMPORT_FAILURES as error:
            raise self._broken(candidate, _reason(error)) from error

    def _wrap(self, loaded: Any, candidate: Candidate) -> Extension:
        from ..sdk.declaration import Extension

        try:
            return Extension(loaded, candidate.name)
        except errors.SignatureError as error:
            raise self._broken(candidate, str(error)) from error

    def _broken(self, candidate: Candidate, reason: str) -> errors.BrokenPluginError:
        self._defects[candidate] = reason
        return _broken_error(candidate, "extension", reason)

    def names(self) -> list[str]:
        """Return all names that can be loaded, sorted."""
        return sorted({*self._added, *(candidate.name for candidate in self._candidates)})

    def list(self) -> list[Listing]:
        """List every extension with its status, from metadata alone."""
        listings = [self._listing(candidate) for candidate in self._candidates]
        for name, extension in self._added.items():
            status: Status = "blocked" if name in self._blocked else "ok"
            listings.append(Listing(name, extension.version, None, "program", status, extension.summary))
        return sorted(listings, key=lambda listing: (listing.name, listing.distribution or ""))

    def _listing(self, candidate: Candidate) -> Listing:
        providers = self._providers(candidate.name)
        picked = self._winner(providers)
        error = self._defects.get(candidate) or candidate.defect() or None
        status: Status = "ok"
        if self._is_blocked(candidate):
            status, error = "blocked", _BLOCKED
        elif error:
            status = "broken"
        elif picked is None:
            others = [str(provider) for provider in providers if provider is not candidate]
            status, error = "duplicate", f"also provided by {', '.join(others)}"
        elif picked is not candidate:
            status, error = "shadowed", f'{picked} has the name; load("{candidate.qualified_name}") takes this one'
        return Listing(
            candidate.name,
            candidate.version,
            candidate.distribution,
            candidate.source,
            status,
            candidate.summary,
            error,
        )

    def list_hooks(self) -> tuple[Listing, ...]:
        """List the hooks of every plugin with their status, from metadata and from what this registry has loaded."""
        return tuple(map(self._hooks_listing, self._hook_candidates))

    def hooks_provider(self, name: str, /) -> Candidate | None:
        """Return the entry point of a plugin's hooks, by `distribution:name`."""
        return next((each for each in self._hook_candidates if each.qualified_name == name), None)

    def plugins(self) -> tuple[Candidate, ...]:
        """Return the entry points of all plugins' extensions that are not blocked."""
        return tuple(each for each in self._candidates if each.source == "plugin" and not self._is_blocked(each))

    def provided_by(self, distribution: str) -> tuple[Candidate, ...]:
        """Return the entry points of a distribution's extensions."""
        return tuple(each for each in self._candidates if each.distribution == distribution)

    def _hooks_listing(self, candidate: Candidate) -> Listing:
        error = self._defects.get(candidate) or candidate.defect(is_attribute=False) or None
        status: Status = "broken" if error else "ok"
        if self._is_blocked(candidate):
            status, error = "blocked", _BLOCKED
        return Listing(
            candidate.name,
            candidate.version,
            candidate.distribution,
            "plugin",
            status,
            candidate.summary,
            error,
            "hooks",
        )

    @functools.cached_property
    def plugin_manager(self) -> pluggy.PluginManager:
        """The pluggy manager of this registry, with the hooks of all installed plugins."""
        import pluggy

        from .. import hookspecs

        manager = pluggy.PluginManager(hookspecs.PROJECT)
        manager.add_hookspecs(hookspecs)
        for candidate in self._hook_candidates:
            if self._is_blocked(candidate):
                continue
            try:
                plugin = candidate.load()
            except _IMPORT_FAILURES as error:
                self._defects[candidate] = _reason(error)
                raise _broken_error(candidate, "hooks", _reason(error)) from error
            _register_hooks(manager, plugin, f"{candidate} ({candidate.name})")
        return manager

    def add_hooks(self, plugin: Any, name: str | None = None) -> None:
        """Add hook implementations of the program: a module or an object with `@hookimpl` functions.

        Adding the same object again changes nothing.

        Raises:
            HookError: a hook or one of its arguments is unknown, or `name` is taken; nothing was added.
        """
        from ..sdk.declaration import free_name

        manager = self.plugin_manager
        if manager.is_registered(plugin):
            return
        if name is None:
            own = getattr(plugin, "__name__", type(plugin).__name__)
            name = free_name(own, manager.has_plugin)
        _register_hooks(manager, plugin, name)


def _reason(error: BaseException) -> str:
    return str(error) if isinstance(error, errors.ExtensionError) else f"{type(error).__name__}: {error}"


def _broken_error(candidate: Candidate, part: str, reason: str) -> errors.BrokenPluginError:
    return errors.BrokenPluginError(
        f"plugin {candidate}",
        f"can't provide {part} {candidate.name!r} (entry point {candidate.value!r})",
        reason,
        f"Upgrade or reinstall {candidate.distribution}, or set {DISABLE_VARIABLE}={candidate.name}",
        distribution=candidate.distribution,
        entry_point=candidate.value,
    )


def _blocked_error(name: str) -> errors.BlockedExtensionError:
    return errors.BlockedExtensionError(
        f"extension {name!r}",
        "is blocked",
        f"{DISABLE_VARIABLE} or Registry.block names it",
        "Remove the name there",
        name=name,
    )


def _register_hooks(manager: pluggy.PluginManager, plugin: Any, name: str) -> None:
    """Check a plugin's hooks, then register them: pluggy checks only after it has changed the manager."""
    specified = {hook: caller.spec for hook, caller in vars(manager.hook).items() if caller.spec is not None}
    for attribute in dir(plugin):
        options = manager.parse_hookimpl_opts(plugin, attribute)
        if options is None:
            continue
        hook = options.get("specname") or attribute
        if hook not in specified:
            if options.get("optionalhook"):
                continue
            raise errors.HookError(
                f"plugin {name}",
                f"implements hook {hook}",
                "there is no such hook",
                suggestion(hook, specified) or f"The hooks are {', '.join(sorted(specified))}",
                hook=hook,
                plugin=name,
            )
        passed = specified[hook].argnames
        unknown = [argument for argument in _arguments(getattr(plugin, attribute)) if argument not in passed]
        if unknown:
            raise errors.HookError(
                f"plugin {name}",
                f"implements hook {hook} with {', '.join(unknown)}",
                "the hook does not pass that",
                f"It passes {', '.join(passed)}",
                hook=hook,
                plugin=name,
            )
    if manager.has_plugin(name):
        raise errors.HookError(
            f"plugin {name}", "can't add its hooks", "another plugin has that name", "Give it another name", plugin=name
        )
    try:
        manager.register(plugin, name)
    except Exception as error:  # pluggy has changed the manager by now
        if manager.has_plugin(name):
            manager.unregister(name=name)
        why = str(error).splitlines()[-1]
        raise errors.HookError(f"plugin {name}", "can't add its hooks", why, "Correct the hook", plugin=name) from error


def _arguments(function: Any) -> Iterable[str]:
    parameters = inspect.signature(function).parameters.values()
    return [parameter.name for parameter in parameters if parameter.default is parameter.empty]


@functools.cache
def default_registry() -> Registry:
    """Return the registry that `socketify_ext.load` and apps use by default."""
    return Registry()


def registry_of(extension: Extension) -> Registry:
    """Return the registry that has loaded an extension, or the default registry."""
    owner = getattr(extension.loader, "__self__", None)
    return owner if isinstance(owner, Registry) else default_registry()


def load(name: str, /, **options: Any) -> Extension:
    """Load an extension by name from the default registry, with options.

    Raises:
        UnknownExtensionError, BlockedExtensionError, DuplicateProviderError, BrokenPluginError, OptionsError.
    """
    return default_registry().load(name, **options)
