"""The registration of extensions on one app: gather, declare, resolve, compile, then commit, or leave all as it was."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, get_args

from . import errors
from .lifecycle import Unit
from .sdk.compilation import Classes, compile_classes
from .sdk.declaration import Declaration, Extension
from .sdk.resolution import Collision, Policy, Reserved, Resolution, resolve
from .sdk.spec import Target

if TYPE_CHECKING:
    from .registry.registry import Registry
    from .sdk.request_hooks import RequestHook

log = logging.getLogger("socketify_ext")


class Binding:
    """Hold the extensions of one app and put new ones into effect.

    Args:
        app: handed to hooks and injected as `app`; None on a stock app.
        bases: the class that each target's members are compiled on.
        reserved: the core's names.
        commit: puts compiled classes and what the new declarations asked for behind the app.
    """

    def __init__(
        self,
        app: Any,
        registry: Registry,
        bases: Classes,
        reserved: Mapping[Target, Reserved],
        commit: Callable[[Classes, Sequence[Declaration]], None],
        policy: Policy = "error",
    ) -> None:
        if policy not in get_args(Policy):
            known = "Give 'error', 'keep' or 'replace'"
            raise errors.DeclarationError("the app", f"has on_collision={policy!r}", "it is no policy", known)
        self.app = app
        self.registry = registry
        self.policy: Policy = policy
        self.declarations: tuple[Declaration, ...] = ()
        self.resolution = Resolution()
        self._bases = bases
        self._reserved = reserved
        self._commit = commit

    def register(self, extension: Extension) -> None:
        """Register an extension and what it requires; nothing has changed if this raises.

        Raises:
            ExtensionError: see `docs/errors.md`.
        """
        gathered: dict[str, Extension] = {}
        self._gather(self._named(extension), gathered)
        declared = tuple(each.declare(app=self.app) for each in gathered.values())
        self.enter(tuple(declaration for declaration in declared if not self._is_known(declaration)))

    def enter(self, new: Sequence[Declaration]) -> None:
        """Put declarations into effect that `register`, or a stock app, has gathered."""
        if not new:
            return
        hooks = self.registry.plugin_manager.hook
        for declaration in new:
            hooks.socketify_ext_before_register(app=self.app, spec=declaration.spec)
        declarations = (*self.declarations, *new)
        resolution = self.resolved(declarations)
        before = self.declarations, self.resolution
        self.declarations, self.resolution = declarations, resolution
        try:
            self._commit(self.compiled(), new)
        except BaseException:
            self.declarations, self.resolution = before
            self._commit(self.compiled(), ())
            raise
        for declaration in new:
            declaration.app.commit()
        for declaration in new:
            try:
                hooks.socketify_ext_after_register(app=self.app, spec=declaration.spec)
            except Exception:  # the extension is in effect, and an error would say that nothing has changed
                log.exception("hook socketify_ext_after_register failed for extension %s", declaration.spec.provenance)

    def compiled(self) -> Classes:
        """Compile what is in effect now."""
        return compile_classes(self.resolution, self._bases)

    def resolved(self, declarations: Sequence[Declaration]) -> Resolution:
        """Resolve what would be there with these declarations, and change nothing."""
        specs = [declaration.spec for declaration in declarations]
        return resolve(specs, self._reserved, policy=self.policy, settle=self._settle)

    def _settle(self, collision: Collision) -> str | None:
        winner: str | None = self.registry.plugin_manager.hook.socketify_ext_collision(
            app=self.app, collision=collision
        )
        return winner

    def _named(self, extension: Extension) -> Extension:
        """Number a bare function whose name another function has: everybody calls theirs `extension`."""
        taken = {declaration.spec.name: declaration.spec.identity[0] for declaration in self.declarations}
        name, number = extension.name, 1
        while not extension.declared and taken.get(name, extension.function) != extension.function:
            number += 1
            name = f"{extension.name}~{number}"
        return replace(extension, name=name)

    def _gather(self, extension: Extension, gathered: dict[str, Extension]) -> None:
        """Collect an extension behind what it requires and the registry can load with default options."""
        gathered[extension.name] = extension
        known = {declaration.spec.name for declaration in self.declarations}
        for requirement in extension.requirements:
            if requirement.name in known or requirement.name in gathered:
                continue
            try:
                required = self.registry.load(requirement.name)
            except errors.UnknownExtensionError:
                continue  # resolution says what is missing
            except errors.ExtensionError as error:
                raise errors.MissingRequirementError(
                    f"extension {extension.provenance}",
                    f"requires '{requirement}'",
                    f"it can't be loaded with default options: {error}",
                    f'Register it first: app.register(socketify_ext.load("{requirement.name}", ...))',
                    requirement=requirement,
                ) from error
            self._gather(replace(required, required_by=extension.name), gathered)
        gathered[extension.name] = gathered.pop(extension.name)

    def _is_known(self, declaration: Declaration) -> bool:
        """Tell whether the same extension is registered; another one of that name is an error."""
        spec = declaration.spec
        for earlier in (declaration.spec for declaration in self.declarations):
            if earlier.name != spec.name:
                continue
            if earlier.identity == spec.identity:
                return True
            raise errors.AlreadyRegisteredError(
                f"extension {spec.provenance}",
                "is registered a second time",
                f"{earlier.provenance} is there with other options, adjustments or code",
                "Register it once, or declare it under another name",
                name=spec.name,
            )
        return False

    def units(self) -> list[Unit]:
        """Give what each extension wants run at start-up and shutdown, in resolved order."""
        return [Unit(f"extension {d.spec.provenance}", d.app.startup, d.app.shutdown) for d in self._ordered()]

    def hooks(self) -> list[RequestHook]:
        """Give the request hooks of the extensions, in resolved order."""
        return [hook for declaration in self._ordered() for hook in declaration.app.hooks]

    def _ordered(self) -> list[Declaration]:
        by_name = {declaration.spec.name: declaration for declaration in self.declarations}
        return [by_name[spec.name] for spec in self.resolution.order]

    def rewind(self, declarations: Sequence[Declaration]) -> None:
        """Go back to earlier declarations."""
        self.resolution = self.resolved(declarations)
        self._commit(self.compiled(), ())
        self.declarations = tuple(declarations)
