from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from socketify_ext.errors import CollisionError, CoreNameError, HookError, MissingRequirementError, OrderingCycleError
from socketify_ext.sdk.provenance import Provenance
from socketify_ext.sdk.resolution import Reserved, Resolution, ordered, resolve
from socketify_ext.sdk.spec import ExtensionSpec, PropertySpec

RESERVED = {"request": Reserved(public=frozenset({"get_header"}), state=frozenset({"req", "app"}))}


def make(name, *members, version=None, **values):
    """Make an extension; `members` are like "user" or "response.user!", where "!" overrides."""
    line = itertools.count(1)
    distribution = f"dist-{name}" if version else None

    def provenance():
        return Provenance(
            extension=name, file=f"/src/{name}.py", line=next(line), distribution=distribution, version=version
        )

    own = provenance()
    made = []
    for member in members:
        target, _, bare = member.rstrip("!").rpartition(".")
        made.append(
            PropertySpec(
                target=target or "request",
                name=bare,
                default=name,
                override=member.endswith("!"),
                provenance=provenance(),
            )
        )
    values["requires"] = tuple(values.get("requires", ()))
    return ExtensionSpec(name=name, provenance=own, members=tuple(made), **values)


def names(specs):
    return [spec.name for spec in specs]


def winners(resolution):
    return {f"{target}.{name}": member.default for (target, name), member in resolution.members.items()}


def test_nothing_resolves_to_nothing():
    assert resolve([]) == Resolution()


def test_members_of_all_extensions_are_there():
    resolution = resolve([make("a", "user", "response.user"), make("b", "cart")])
    assert winners(resolution) == {"request.user": "a", "response.user": "a", "request.cart": "b"}
    assert names(resolution.order) == ["a", "b"]
    assert resolution.settled == ()


def test_ties_go_by_registration_order():
    assert names(ordered([make("c"), make("a"), make("b")])[0]) == ["c", "a", "b"]


def test_requirements_come_first():
    specs = [make("a", requires=["b"]), make("x"), make("b", requires=["c"]), make("c")]
    assert names(ordered(specs)[0]) == ["x", "c", "b", "a"]


def test_before_and_after_order_what_is_present():
    specs = [make("a", after=("b", "absent")), make("b"), make("c", before=("a", "absent"))]
    assert names(ordered(specs)[0]) == ["b", "c", "a"]


@pytest.mark.parametrize(
    ("specs", "cycle"),
    [
        ([make("a", requires=["b"]), make("b", requires=["a"])], {"a", "b"}),
        ([make("a", before=("b",)), make("b", before=("c",)), make("c", before=("a",)), make("d")], {"a", "b", "c"}),
        ([make("a", after=("a",))], {"a"}),
        ([make("a", before=("b",), after=("b",)), make("b")], {"a", "b"}),
    ],
)
def test_a_cycle_is_printed(specs, cycle):
    with pytest.raises(OrderingCycleError) as caught:
        resolve(specs)
    error = caught.value
    assert set(error.cycle) == cycle
    assert error.cycle[0] == error.cycle[-1]
    assert " -> ".join(error.cycle) in str(error)


def test_the_cycle_is_printed_in_the_order_that_was_asked_for():
    with pytest.raises(OrderingCycleError) as caught:
        resolve([make("a", before=("b",)), make("b", before=("c",)), make("c", before=("a",))])
    shown = "".join(caught.value.cycle[:3]) * 2
    assert "abc" in shown


def test_a_missing_requirement_is_named():
    with pytest.raises(MissingRequirementError, match=r"'a' \(a\.py:1\) requires 'auth>=1': it is not") as caught:
        resolve([make("a", requires=["auth>=1"])])
    assert str(caught.value.requirement) == "auth>=1"


def test_a_misspelt_requirement_gets_a_suggestion():
    with pytest.raises(MissingRequirementError, match=r"Did you mean 'auth'\?"):
        resolve([make("a", requires=["auht"]), make("auth")])


def test_an_extension_is_no_suggestion_for_its_own_requirement():
    with pytest.raises(MissingRequirementError) as caught:
        resolve([make("auth2", requires=["auth"])])
    assert "Did you mean" not in str(caught.value)


@pytest.mark.parametrize(
    ("version", "why"), [("1.0", r"'auth' \(dist-auth 1\.0, auth\.py:1\) has version 1\.0"), (None, "has no version")]
)
def test_a_requirement_of_another_version_is_refused(version, why):
    with pytest.raises(MissingRequirementError, match=why):
        resolve([make("a", requires=["auth>=2"]), make("auth", version=version)])


def test_a_requirement_of_a_fitting_version_is_met():
    specs = [make("a", requires=["auth>=2"]), make("auth", version="2.1")]
    assert names(resolve(specs).order) == ["auth", "a"]


def test_all_collisions_are_told_at_once_with_both_providers():
    specs = [make("auth", "user", "cart", version="1.0"), make("jwt", "user", "cart", "token", version="2.0")]
    with pytest.raises(CollisionError) as caught:
        resolve(specs)
    error = caught.value
    assert [(c.target, c.name) for c in error.collisions] == [("request", "user"), ("request", "cart")]
    assert str(error) == (
        "[EXT201] extension 'jwt' (dist-jwt 2.0, jwt.py:1) adds request.user (jwt.py:2) and request.cart (jwt.py:3): "
        "request.user is already added by 'auth' (dist-auth 1.0, auth.py:2); "
        "request.cart is already added by 'auth' (dist-auth 1.0, auth.py:3). "
        'Rename it: load("jwt").renamed(user="jwt_user"), leave it out: load("jwt").only(...), '
        'or let it win: load("jwt").overriding("request.user").'
    )


def test_the_one_registered_last_is_the_one_that_collides():
    with pytest.raises(CollisionError, match=r"extension 'b' .* adds request\.user \(b\.py:2\): already added by 'a'"):
        resolve([make("a", "user"), make("b", "user", before=("a",))])


def test_an_extension_that_was_not_loaded_is_corrected_in_its_own_code():
    with pytest.raises(
        CollisionError, match=r'Rename it: request\.property\("b_user"\), or let it win: override=True\.$'
    ):
        resolve([make("a", "user"), make("b", "user")])


def test_the_fix_goes_by_the_declared_name():
    renamed = make("b", "user", version="1.0")
    member = renamed.members[0].model_copy(update={"renamed_from": "who"})
    with pytest.raises(CollisionError, match=r'\.renamed\(who="b_user"\).*overriding\("request\.who"\)'):
        resolve([make("a", "user"), renamed.model_copy(update={"members": (member,)})])
    renamed = make("b", "req", version="1.0")
    member = renamed.members[0].model_copy(update={"renamed_from": "who"})
    with pytest.raises(CoreNameError, match=r'\.renamed\(who="b_req"\)'):
        resolve([renamed.model_copy(update={"members": (member,)})], RESERVED)


def test_one_name_on_two_targets_is_no_collision():
    assert len(resolve([make("a", "user"), make("b", "response.user")]).members) == 2


@pytest.mark.parametrize("order", [0, 1])
def test_an_override_wins_wherever_it_was_registered(order):
    specs = [make("a", "user"), make("b", "user!")]
    resolution = resolve(specs[::-1] if order else specs)
    assert winners(resolution) == {"request.user": "b"}
    (settled,) = resolution.settled
    assert (settled.winner.default, settled.by) == ("b", "override")
    assert {provider.default for provider in settled.collision.providers} == {"a", "b"}


def test_of_two_overrides_the_later_in_the_asked_order_wins():
    specs = [make("a", "user"), make("b", "user!", after=("c",)), make("c", "user!")]
    assert winners(resolve(specs)) == {"request.user": "b"}


def test_two_overrides_without_an_order_collide():
    with pytest.raises(CollisionError, match=r'or declare which comes last: after=\["b"\]'):
        resolve([make("a", "user"), make("b", "user!"), make("c", "user!")])


def test_an_override_does_not_settle_what_two_others_add():
    with pytest.raises(CollisionError):
        resolve([make("a", "user"), make("b", "user"), make("c", "user!")])


@pytest.mark.parametrize(("policy", "winner"), [("keep", "a"), ("replace", "b")])
def test_a_policy_settles_by_resolved_order(policy, winner):
    resolution = resolve([make("b", "user", after=("a",)), make("a", "user")], policy=policy)
    assert winners(resolution) == {"request.user": winner}
    assert [settled.by for settled in resolution.settled] == [policy]


def test_an_override_beats_a_policy():
    assert winners(resolve([make("a", "user!"), make("b", "user")], policy="replace")) == {"request.user": "a"}


def test_settle_decides_before_the_policy_and_after_overrides():
    asked = []

    def settle(collision):
        asked.append(f"{collision.target}.{collision.name}")
        return "a"

    specs = [make("a", "user", "cart"), make("b", "user", "cart!")]
    resolution = resolve(specs, policy="replace", settle=settle)
    assert winners(resolution) == {"request.user": "a", "request.cart": "b"}
    assert asked == ["request.user"]
    assert [settled.by for settled in resolution.settled] == ["hook", "override"]


def test_settle_may_leave_it_to_the_policy():
    with pytest.raises(CollisionError):
        resolve([make("a", "user"), make("b", "user")], settle=lambda collision: None)


def test_settle_must_name_a_provider():
    with pytest.raises(HookError, match=r"gave 'c' for request.user: no provider has that name. Return 'a' or 'b'"):
        resolve([make("a", "user"), make("b", "user")], settle=lambda collision: "c")


@pytest.mark.parametrize("policy", ["error", "keep", "replace"])
def test_a_name_of_the_core_is_taken_on_purpose_only(policy):
    with pytest.raises(CoreNameError, match=r'\.overriding\("request\.get_header"\)') as caught:
        resolve([make("a", "get_header", version="1.0")], RESERVED, policy=policy)
    assert [member.name for member in caught.value.members] == ["get_header"]
    assert winners(resolve([make("a", "get_header!")], RESERVED)) == {"request.get_header": "a"}


@pytest.mark.parametrize("name", ["req", "app", "req!", "app!"])
def test_state_of_the_core_is_never_taken(name):
    with pytest.raises(CoreNameError, match="socketify keeps its state there") as caught:
        resolve([make("a", name)], RESERVED)
    assert "override" not in str(caught.value)


def test_all_core_names_of_an_extension_are_told_at_once():
    with pytest.raises(CoreNameError, match=r"adds request\.get_header \(a\.py:2\) and request\.req \(a\.py:3\)"):
        resolve([make("a", "get_header", "req", "user")], RESERVED)


def test_names_of_one_target_are_free_on_another():
    assert winners(resolve([make("a", "ws.get_header")], RESERVED)) == {"ws.get_header": "a"}


# How long a machine takes says nothing about the order.
NAMES = ("a", "b", "c", "d", "e", "f")
MEMBERS = ("user", "cart", "response.user")


@st.composite
def extensions(draw):
    """Draw a set of extensions that may or may not be valid."""
    chosen = draw(st.lists(st.sampled_from(NAMES), min_size=1, unique=True))
    return [
        make(
            name,
            *draw(
                st.lists(
                    st.tuples(st.sampled_from(MEMBERS), st.sampled_from(["", "!"])).map("".join),
                    unique_by=lambda member: member.rstrip("!"),
                    max_size=2,
                )
            ),
            requires=draw(st.lists(st.sampled_from(chosen), unique=True, max_size=1)),
            before=tuple(draw(st.lists(st.sampled_from(NAMES), unique=True, max_size=1))),
            after=tuple(draw(st.lists(st.sampled_from(NAMES), unique=True, max_size=1))),
        )
        for name in chosen
    ]


def outcome(specs, **arguments):
    try:
        return resolve(specs, **arguments)
    except (CollisionError, OrderingCycleError) as error:
        return type(error)


@given(extensions(), st.randoms(use_true_random=False))
def test_any_order_of_registration_gives_the_same_members(specs, random):
    shuffled = random.sample(specs, len(specs))
    first, second = outcome(specs), outcome(shuffled)
    if isinstance(first, Resolution):
        assert winners(first) == winners(second)
    else:
        assert first is second


@given(extensions())
def test_no_accepted_set_has_an_unsettled_collision(specs):
    resolution = outcome(specs)
    if not isinstance(resolution, Resolution):
        return
    providers: dict[tuple[str, str], list[str]] = {}
    for spec in specs:
        for member in spec.members:
            providers.setdefault((member.target, member.name), []).append(spec.name)
    settled = {(each.collision.target, each.collision.name): each for each in resolution.settled}
    assert resolution.members.keys() == providers.keys()
    assert settled.keys() == {key for key, found in providers.items() if len(found) > 1}
    for key, each in settled.items():
        assert resolution.members[key] is each.winner
        assert each.winner.override


@given(extensions(), st.sampled_from(["keep", "replace"]))
def test_a_policy_leaves_no_collision_open(specs, policy):
    assert outcome(specs, policy=policy) is not CollisionError


@given(extensions())
def test_the_order_is_the_first_that_respects_every_wish(specs):
    resolution = outcome(specs, policy="keep")
    if not isinstance(resolution, Resolution):
        return
    order = names(resolution.order)
    assert sorted(order) == sorted(names(specs))
    earlier = {name: set() for name in order}
    for spec in specs:
        earlier[spec.name] |= {requirement.name for requirement in spec.requires} | set(spec.after)
        for name in spec.before:
            earlier.setdefault(name, set()).add(spec.name)
    placed: set[str] = set()
    for name in order:
        ready = [each for each in names(specs) if each not in placed and earlier[each] & set(order) <= placed]
        assert name == ready[0]
        placed.add(name)


# -- before and after all others


def test_before_all_others_comes_first_and_after_all_others_last():
    specs = [make("a"), make("last", after=("*",)), make("b"), make("first", before=("*",)), make("c", after=("b",))]
    for each in itertools.permutations(specs):
        order = names(resolve(each).order)
        assert (order[0], order[-1]) == ("first", "last")
        assert order.index("b") < order.index("c")


def test_two_that_are_before_all_others_keep_their_order_unless_one_says_more():
    specs = [make("a"), make("x", before=("*",)), make("y", before=("*",))]
    assert names(resolve(specs).order) == ["x", "y", "a"]
    specs = [make("a"), make("x", before=("*",), after=("y",)), make("y", before=("*",))]
    assert names(resolve(specs).order) == ["y", "x", "a"]


def test_what_must_come_earlier_comes_before_one_that_is_before_all_others():
    specs = [
        make("plain"),
        make("cors", before=("*",), requires=("auth",)),
        make("auth", after=("store",)),
        make("store"),
        make("early", before=("cors",)),
    ]
    for each in itertools.permutations(specs):
        order = names(resolve(each).order)
        assert order[-1] == "plain"
        assert order.index("store") < order.index("auth") < order.index("cors")
        assert order.index("early") < order.index("cors")


def test_what_must_come_later_comes_behind_one_that_is_after_all_others():
    specs = [make("log", after=("*",)), make("behind", after=("log",)), make("plain"), make("user", requires=("log",))]
    for each in itertools.permutations(specs):
        order = names(resolve(each).order)
        assert order[:2] == ["plain", "log"]


def test_one_can_not_be_before_and_after_all_others():
    with pytest.raises(ValueError, match="before all others and after all others"):
        make("a", before=("*",), after=("*",))


def test_an_override_that_is_after_all_others_wins():
    specs = [make("z", "user!", after=("*",)), make("a", "user"), make("b", "user!")]
    assert winners(resolve(specs)) == {"request.user": "z"}


@given(st.data())
def test_wildcards_never_make_a_cycle_and_hold_for_all_that_is_not_asked_otherwise(data):
    specs = []
    for rank, name in enumerate(NAMES):
        requires = tuple(data.draw(st.lists(st.sampled_from(NAMES[:rank]), max_size=2, unique=True))) if rank else ()
        before, after = data.draw(st.sampled_from([((), ()), (("*",), ()), ((), ("*",))]))
        specs.append(make(name, requires=requires, before=before, after=after))
    order = names(resolve(data.draw(st.permutations(specs))).order)
    above = {}
    for spec in specs:
        direct = {requirement.name for requirement in spec.requires}
        above[spec.name] = direct.union(*(above[name] for name in direct))
        assert all(order.index(name) < order.index(spec.name) for name in direct)
    last = {spec.name for spec in specs if "*" in spec.after}
    leading = [spec.name for spec in specs if "*" in spec.before]
    if not any(above[name] & last for name in leading):  # that is asked both ways
        for name in order[: min(map(order.index, leading), default=0)]:
            assert any(name in above[each] for each in leading)
