"""The registration of extensions on one app: a plan is made without changing anything, and then put into effect."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, get_args

from . import errors
from .lifecycle import LifecycleEntry
from .sdk.compilation import Attributes, Classes, compile_attributes, compile_classes
from .sdk.declaration import Declaration, Extension, free_name
from .sdk.resolution import Collision, Policy, Reserved, Resolution, resolve, wrong_version
from .sdk.spec import ExtensionSpec, Target

if TYPE_CHECKING:
    from .registry.registry import Registry
    from .sdk.request_hooks import RequestHook
    from .sdk.spec import Requirement

log = logging.getLogger("socketify_ext")

Declarations = Mapping[str, Declaration]


@dataclass(frozen=True)
class Plan:
    """All extensions of an app or a scope, their order and members, and the compiled classes.

    Attributes:
        declarations: the extensions by name, those of the scopes above first, each in the order of its registration.
        resolution: their order, and the members that are in effect.
        classes: the class that has the members of each target.
        new: the extensions that are not in effect yet.
        attributes: the attributes of the classes, for the next plan.
        own: those of the declarations that were registered here, not above.
    """

    declarations: Declarations
    resolution: Resolution
    classes: Classes
    new: Sequence[Declaration] = ()
    attributes: Attributes | None = None
    own: Declarations = field(default_factory=dict)

    def lifecycle_entries(self) -> list[LifecycleEntry]:
        """Return the lifecycle functions of each own extension, in resolved order."""
        return [
            LifecycleEntry(
                f"extension {spec.provenance}",
                declared.startup,
                declared.shutdown,
                declared.listening,
                declared.closing,
            )
            for spec in self.resolution.order
            if spec.name in self.own
            for declared in (self.declarations[spec.name].app,)
        ]

    def hooks(self) -> list[tuple[str, Sequence[RequestHook]]]:
        """Return the names of the extensions and their request hooks, in resolved order."""
        return [(spec.name, self.declarations[spec.name].app.hooks) for spec in self.resolution.order]


def _none_below() -> Iterable[Declarations]:
    return ()


class Registration:
    """Plan the registration of extensions on one app, or in one scope of it.

    Args:
        app: handed to hooks and injected as `app`; None on a stock app.
        registry: loads required extensions, and holds the hooks.
        bases: the class that each target's members are compiled on.
        reserved: the core's names.
        policy: settles collisions.
        scope: the prefix of the scope.
        above: the plan of the scope above, None for the app itself.

    Attributes:
        current: the plan that is in effect.
        below: returns what is registered in the scopes below.
    """

    def __init__(
        self,
        app: Any,
        registry: Registry,
        bases: Classes,
        reserved: Mapping[Target, Reserved],
        policy: Policy = "error",
        *,
        scope: str = "",
        above: Plan | None = None,
    ) -> None:
        if policy not in get_args(Policy):
            known = "Use 'error', 'keep' or 'replace'"
            raise errors.DeclarationError("the app", f"has on_collision={policy!r}", "it is not a policy", known)
        self.app = app
        self.registry = registry
        self.policy: Policy = policy
        self.current = Plan({}, Resolution(), bases) if above is None else replace(above, new=(), own={})
        self._bases = bases
        self._reserved = reserved
        self._scope = scope
        self.below: Callable[[], Iterable[Declarations]] = _none_below

    def within(self, app: Any, scope: str) -> Registration:
        """Return the registration of a scope in this one."""
        return Registration(
            app, self.registry, self._bases, self._reserved, self.policy, scope=scope, above=self.current
        )

    def plan(self, extension: Extension) -> Plan:
        """Plan the registration of an extension and of the extensions that it requires; nothing is changed.

        Raises:
            ExtensionError: see `docs/errors.md`.
        """
        required: dict[str, Extension] = {}
        self._collect_requirements(self._named(self._scoped(extension)), required)
        new: list[Declaration] = []
        for each in required.values():
            declaration = each.declare(app=self.app)
            if self._is_new(declaration):
                new.append(declaration)
        return self.plan_declared(new)

    def plan_declared(self, new: Sequence[Declaration], earlier: Plan | None = None) -> Plan:
        """Plan the registration of new declarations after the current plan, or after an earlier one."""
        earlier = earlier or self.current
        if not new:
            return replace(earlier, new=())
        hooks = self.registry.plugin_manager.hook
        for declaration in new:
            hooks.socketify_ext_before_register(app=self.app, spec=declaration.spec)
        added = {declaration.spec.name: declaration for declaration in new}
        plan = self._resolved({**earlier.declarations, **added}, earlier)
        return replace(plan, new=new, own={**earlier.own, **added})

    def plan_below(self, above: Plan) -> Plan:
        """Plan the same extensions behind another plan of the scope above."""
        own = self.current.own
        if not own:
            return replace(above, new=(), own=own)
        for name, declaration in own.items():
            if name in above.declarations:
                raise self._registered_twice(above.declarations[name].spec, declaration.spec)
        return replace(self._resolved({**above.declarations, **own}, self.current), own=own)

    def _resolved(self, declarations: Declarations, earlier: Plan) -> Plan:
        """Plan declarations, which those of an earlier plan are part of."""
        specs = [declaration.spec for declaration in declarations.values()]
        resolution = resolve(specs, self._reserved, policy=self.policy, settle=self._settle)
        attributes = compile_attributes(resolution, earlier.attributes)
        return Plan(declarations, resolution, compile_classes(attributes, self._bases), (), attributes)

    def complete(self, plan: Plan) -> None:
        """Make a plan the current one, once the app has put it into effect."""
        self.current = plan
        self.finish(plan)

    def finish(self, plan: Plan) -> None:
        """End the registration of the new extensions of a plan that has become the current one."""
        if not plan.new:
            return
        for declaration in plan.new:
            declaration.app.commit()
        hooks = self.registry.plugin_manager.hook
        for declaration in plan.new:
            try:
                hooks.socketify_ext_after_register(app=self.app, spec=declaration.spec)
            except Exception:  # the extension is in effect, and an error would say that nothing has changed
                log.exception("hook socketify_ext_after_register failed for extension %s", declaration.spec.provenance)

    def _settle(self, collision: Collision) -> str | None:
        winner: str | None = self.registry.plugin_manager.hook.socketify_ext_collision(
            app=self.app, collision=collision
        )
        return winner

    def _scoped(self, extension: Extension) -> Extension:
        return extension if extension.scope == self._scope else replace(extension, scope=self._scope)

    def _named(self, extension: Extension) -> Extension:
        """Number a bare function whose name another function has, since many are called `extension`."""
        if extension.declared:
            return extension
        function, places = extension.function, [self.current.declarations, *self.below()]
        name = free_name(
            extension.name,
            lambda name: any(name in each and each[name].spec.identity[0] != function for each in places),
        )
        return extension if name == extension.name else replace(extension, name=name)

    def _collect_requirements(self, extension: Extension, collected: dict[str, Extension]) -> None:
        """Collect an extension behind the required ones that the registry can load with default options."""
        collected[extension.name] = extension
        for requirement in extension.requirements:
            if requirement.name in self.current.declarations or requirement.name in collected:
                continue
            try:
                required = self._load_required(extension, requirement)
            except errors.UnknownExtensionError:
                continue  # resolution reports what is missing
            self._collect_requirements(self._scoped(replace(required, required_by=extension.name)), collected)
        collected[extension.name] = collected.pop(extension.name)

    def _load_required(self, extension: Extension, requirement: Requirement) -> Extension:
        """Load a required extension: its version is judged first, for another one may take other options."""
        cause: errors.ExtensionError
        try:
            found = self.registry.find(requirement.name)
            if not requirement.accepts(found.version):
                raise wrong_version(extension.provenance, requirement, found.provenance)
            return self.registry.load(requirement.name)
        except (errors.UnknownExtensionError, errors.MissingRequirementError):
            raise
        except errors.OptionsError as error:
            why, cause = f"it can't be loaded with default options: {error}", error
            fix = f'Register it first: app.register(socketify_ext.load("{requirement.name}", ...))'
        except errors.ExtensionError as error:
            why, cause, fix = (
                f"it can't be loaded: [{error.code}] {error.who} {error.what}: {error.why}",
                error,
                error.fix,
            )
        raise errors.MissingRequirementError(
            f"extension {extension.provenance}", f"requires '{requirement}'", why, fix, requirement=requirement
        ) from cause

    def _is_new(self, declaration: Declaration) -> bool:
        """Whether an extension is not registered yet; another one of its name is an error."""
        spec = declaration.spec
        registered = self.current.declarations.get(spec.name)
        if registered is None:
            return True
        if registered.spec.identity == spec.identity:
            return False
        raise self._registered_twice(spec, registered.spec)

    def _registered_twice(self, spec: ExtensionSpec, registered: ExtensionSpec) -> errors.AlreadyRegisteredError:
        why = f"{registered.provenance} is there with other options, adjustments or code"
        fix = "Register it once, or declare it under another name"
        if registered.provenance.scope != spec.provenance.scope:
            why = f"{registered.provenance} is there already"
            fix = "Register it in one scope of a path, or in scopes that stand beside each other"
        return errors.AlreadyRegisteredError(
            f"extension {spec.provenance}", "is registered a second time", why, fix, name=spec.name
        )
