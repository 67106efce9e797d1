import dataclasses
import math
from dataclasses import dataclass

import numpy as np
import pytest

from graspsim.distributions import (
    Choice,
    Distribution,
    Integers,
    LogUniform,
    Normal,
    Uniform,
    check,
    one_of,
    parse,
    parse_scalar,
    ranged,
    sample,
)
from graspsim.errors import SpecError, UnknownNameError

EXAMPLES = (
    Uniform(0.05, 2),
    Uniform(-1e-9, 1e12),
    Uniform(3, 3),
    LogUniform(0.3, 1.2),
    LogUniform(1e-6, 1e6),
    Normal(0, 0.01),
    Normal(-3.5, 0),
    Integers(5, 15),
    Integers(-2, -2),
    Choice(("checker", "noise", "flat")),
    Choice((0.0, 1.0), (0.85, 0.15)),
    Choice((1, "a", True, None)),
    Choice((True, False), (3.0, 1.0)),
)
EVERY = pytest.mark.parametrize("distribution", EXAMPLES, ids=str)


@dataclass(frozen=True)
class Leaf:
    friction: float = ranged(LogUniform(0.4, 1.2), 0.0, 10.0)
    mass_kg: float = ranged(Uniform(0.1, 2.0), 0.0)
    count: int = ranged(Integers(1, 6), 1, 100)
    kind: str = one_of(Choice(("point", "directional")), "point", "directional")
    shadow: bool = True


@dataclass(frozen=True)
class Tree:
    leaf: Leaf = Leaf()
    offset_m: tuple[float, float, float] = ranged((Normal(0.0, 0.1), 0.5, Normal(0.0, 0.1)), -1.0, 1.0)
    leaves: tuple[Leaf, ...] = (Leaf(), Leaf())
    name: str = "tree"


def rng(seed=0):
    return np.random.default_rng(seed)


def draws(distribution, count=20_000):
    generator = rng()
    return np.array([distribution.draw(generator) for _ in range(count)])


def leaves(value, path=""):
    """Return {path: value} of every leaf."""
    if dataclasses.is_dataclass(value):
        value = {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}
    elif isinstance(value, tuple):
        value = dict(enumerate(value))
    else:
        return {path: value}
    return {k: v for name, item in value.items() for k, v in leaves(item, f"{path}.{name}").items()}


# Statistics


def test_uniform_spreads_evenly():
    x = draws(Uniform(-1, 3))
    assert x.mean() == pytest.approx(1, abs=0.04)
    assert x.std() == pytest.approx(4 / math.sqrt(12), rel=0.02)
    np.testing.assert_allclose(np.histogram(x, bins=8, range=(-1, 3))[0], len(x) / 8, rtol=0.1)


def test_log_uniform_gives_every_ratio_the_same_chance():
    x = draws(LogUniform(0.1, 10))
    np.testing.assert_allclose(np.histogram(np.log10(x), bins=8, range=(-1, 1))[0], len(x) / 8, rtol=0.1)


def test_normal_has_its_mean_and_deviation():
    x = draws(Normal(2, 0.5))
    assert x.mean() == pytest.approx(2, abs=0.02)
    assert x.std() == pytest.approx(0.5, rel=0.02)
    assert np.mean(np.abs(x - 2) < 0.5) == pytest.approx(0.683, abs=0.01)


def test_integers_include_both_ends_evenly():
    values, counts = np.unique(draws(Integers(3, 7)), return_counts=True)
    assert values.tolist() == [3, 4, 5, 6, 7]
    np.testing.assert_allclose(counts, counts.mean(), rtol=0.1)


def test_choice_follows_its_weights_whatever_their_sum():
    x = draws(Choice(("a", "b", "c"), (3.0, 1.0, 0.0)))
    assert np.mean(x == "a") == pytest.approx(0.75, abs=0.015)
    assert not (x == "c").any()


def test_choice_without_weights_is_even():
    x = draws(Choice(("a", "b", "c", "d")))
    np.testing.assert_allclose(np.unique(x, return_counts=True)[1], len(x) / 4, rtol=0.1)


# What holds for each of them


@EVERY
def test_no_draw_leaves_the_support(distribution):
    generator, support = rng(), distribution.support()
    drawn = [distribution.draw(generator) for _ in range(2000)]
    if isinstance(distribution, Choice):
        assert set(drawn) <= set(support)
    else:
        assert min(support) <= min(drawn)
        assert max(drawn) <= max(support)


def test_normal_is_cut_at_four_deviations():
    class Tails:
        """A generator whose first draws lie far out."""

        def __init__(self):
            self.left = [9.0, -4.01, 4.0]

        def normal(self):
            return self.left.pop(0)

    assert Normal(1, 0.5).draw(Tails()) == 3.0
    assert Normal(1, 0.5).support() == (-1.0, 3.0)


def test_rounding_takes_no_log_uniform_past_its_bounds():
    for low, high in [(0.3, 0.3), (0.1, 0.1000000001), (1e-300, 1e300)]:
        x = draws(LogUniform(low, high), 500)
        assert low <= x.min() <= x.max() <= high


@EVERY
def test_the_middle_lies_in_the_support(distribution):
    support = distribution.support()
    if isinstance(distribution, Choice):
        assert distribution.middle() in support
    else:
        assert min(support) <= distribution.middle() <= max(support)


def test_middles_are_what_they_stand_for():
    assert Uniform(1, 3).middle() == 2
    assert LogUniform(0.1, 10).middle() == pytest.approx(1)
    assert Normal(0.3, 9).middle() == 0.3
    assert Integers(1, 4).middle() == 2
    assert Choice(("a", "b")).middle() == "a"
    assert Choice(("a", "b"), (1.0, 2.0)).middle() == "b"


@EVERY
def test_a_draw_is_a_plain_python_value(distribution):
    value = distribution.draw(rng())
    assert type(value) in (float, int, str, bool, type(None))
    if isinstance(distribution, Integers):
        assert type(value) is int


@EVERY
def test_text_round_trips(distribution):
    assert parse(str(distribution)) == distribution
    assert repr(parse(str(distribution))) == repr(distribution)


# Text


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("3", 3),
        ("-0.5", -0.5),
        ("1e-3", 0.001),
        ("true", True),
        ("False", False),
        ("none", None),
        ("checker", "checker"),
        ("folder/with:colon", "folder/with:colon"),
        (" U( 1,2 ) ", Uniform(1, 2)),
        ("LogU(1e-3,1)", LogUniform(1e-3, 1)),
        ("N(-1, .5)", Normal(-1, 0.5)),
        ("I(5,15)", Integers(5, 15)),
        ("{a|b}", Choice(("a", "b"))),
        ("{ a : 2 | b : 1 }", Choice(("a", "b"), (2.0, 1.0))),
        ("{1|2.5|x}", Choice((1, 2.5, "x"))),
        ("{flat}", Choice(("flat",))),
    ],
)
def test_text_means(text, value):
    assert repr(parse(text)) == repr(value)


def test_a_number_is_read_as_what_it_is():
    assert type(parse_scalar("3")) is int
    assert type(parse_scalar("3.0")) is float
    assert parse_scalar("three") == "three"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("U(2, 1)", r"U\(2, 1\) is no distribution: the first bound must not exceed the second"),
        ("LogU(0, 1)", r"LogU\(0, 1\) is no distribution: bounds must be positive"),
        ("LogU(2, 1)", r"LogU\(2, 1\) is no distribution"),
        ("N(0, -1)", r"N\(0, -1\) is no distribution: the standard deviation must be finite and not negative"),
        ("I(1.5, 2)", r"I\(1.5, 2\) is no distribution: bounds must be integers"),
        ("I(3, 2)", r"I\(3, 2\) is no distribution"),
        ("U(1)", r"'U\(1\)' is no distribution: U takes two numbers, such as U\(1, 2\)"),
        ("U(1, 2, 3)", r"takes two numbers"),
        ("U()", r"takes two numbers"),
        ("U(a, 2)", r"takes two numbers"),
        ("U(true, 2)", r"takes two numbers"),
        ("U(nan, 1)", r"U\(nan, 1\) is no distribution"),
        ("U(0, inf)", r"U\(0, inf\) is no distribution"),
        ("U(0, 1", r"'U\(0, 1' is no distribution; allowed are U\(a, b\), LogU\(a, b\), N\(a, b\), I\(a, b\)"),
        ("{a|b", r"'\{a\|b' is no distribution"),
        ("{}", r"at least one option"),
        ("{a:-1|b:2}", r"each option needs a weight >= 0"),
        ("{a:0|b:0}", r"not all may be 0"),
    ],
)
def test_malformed_text_is_refused_and_named(text, message):
    with pytest.raises(SpecError, match=message):
        parse(text)


@pytest.mark.parametrize(
    ("text", "near"), [("Log(1, 2)", "LogU"), ("logU(1, 2)", "LogU"), ("Uni(0, 1)", "U"), ("u(0, 1)", None)]
)
def test_an_unknown_distribution_gives_the_nearest(text, near):
    with pytest.raises(UnknownNameError, match=r"There is no distribution .* Known: I, LogU, N, U\.") as caught:
        parse(text)
    assert near is None or f"Did you mean '{near}'?" in str(caught.value)


def test_weights_must_match_the_options():
    message = r"Choice\(options=\(1, 2\), weights=\(1\.0,\)\) is no distribution: each option needs"
    with pytest.raises(SpecError, match=message):
        Choice((1, 2), (1.0,))


# check


def test_a_legal_tree_passes_check():
    check(Tree())
    check(Tree(leaf=Leaf(friction=10, mass_kg=0, count=100, kind="point")))


@pytest.mark.parametrize(
    ("tree", "message"),
    [
        (Tree(leaf=Leaf(mass_kg=-1)), r"^leaf\.mass_kg must lie in \[0, inf\]; got -1\.$"),
        (Tree(leaf=Leaf(friction=10.5)), r"^leaf\.friction must lie in \[0, 10\]; got 10\.5\.$"),
        (Tree(leaf=Leaf(friction=Uniform(1, 11))), r"^leaf\.friction must lie in \[0, 10\]; got U\(1, 11\)\.$"),
        (Tree(leaf=Leaf(friction=Normal(0.3, 0.1))), r"^leaf\.friction must lie in \[0, 10\]; got N\(0\.3, 0\.1\)\.$"),
        (Tree(leaf=Leaf(friction=Choice((1, 12)))), r"^leaf\.friction must lie in .* got \{1\|12\}\.$"),
        (Tree(leaf=Leaf(friction=Choice((1, "a")))), r"^leaf\.friction must be a number .* got \{1\|a\}\.$"),
        (Tree(leaf=Leaf(friction=float("nan"))), r"^leaf\.friction must lie in \[0, 10\]; got nan\.$"),
        (Tree(leaf=Leaf(friction="high")), r"^leaf\.friction must be a number or a distribution of numbers; got high"),
        (Tree(leaf=Leaf(friction=None)), r"^leaf\.friction must be a number"),
        (Tree(leaf=Leaf(count=True)), r"^leaf\.count must be a number"),
        (Tree(offset_m=(0, 0, 2)), r"^offset_m\.2 must lie in \[-1, 1\]; got 2\.$"),
        (Tree(offset_m=(0, Normal(0, 1), 0)), r"^offset_m\.1 must lie in \[-1, 1\]"),
        (Tree(leaves=(Leaf(), Leaf(count=0))), r"^leaves\.1\.count must lie in \[1, 100\]; got 0\.$"),
    ],
)
def test_a_value_that_could_leave_its_range_is_named(tree, message):
    with pytest.raises(SpecError, match=message):
        check(tree)


@pytest.mark.parametrize("kind", ["pont", Choice(("point", "pont")), Choice(("point", "pont"), (1.0, 0.0))])
def test_an_option_that_is_not_allowed_gives_the_nearest(kind):
    with pytest.raises(UnknownNameError, match=r"no leaf\.kind option 'pont'\. Did you mean 'point'\? Known: dir"):
        check(Tree(leaf=Leaf(kind=kind)))


@pytest.mark.parametrize("count", [2.5, Uniform(1, 5), Choice((1, 1.5))])
def test_a_whole_number_cannot_be_drawn_from_fractions(count):
    with pytest.raises(SpecError, match=r"leaf\.count must be a whole number"):
        check(Tree(leaf=Leaf(count=count)))


@pytest.mark.parametrize("shadow", [1, "yes", Uniform(0, 1), Choice((True, 2))])
def test_a_switch_takes_true_and_false_only(shadow):
    with pytest.raises(SpecError, match=r"leaf\.shadow must be true or false"):
        check(Tree(leaf=Leaf(shadow=shadow)))
    check(Tree(leaf=Leaf(shadow=Choice((True, False)))))


# sample


def test_a_sample_holds_numbers_only_and_lies_in_range():
    for seed in range(50):
        drawn = sample(Tree(), rng(seed))
        assert not any(isinstance(v, Distribution) for v in leaves(drawn).values())
        check(drawn)
        assert drawn.offset_m[1] == 0.5
        assert drawn.name == "tree"


def test_sampling_leaves_the_specification_as_it_was():
    tree = Tree()
    sample(tree, rng())
    assert tree == Tree()


def test_samples_are_deterministic_and_differ_by_seed():
    assert sample(Tree(), rng(1)) == sample(Tree(), rng(1))
    assert sample(Tree(), rng(1)) != sample(Tree(), rng(2))


def test_equal_distributions_at_different_places_draw_apart():
    drawn = sample(Tree(), rng())
    assert len({drawn.leaf.mass_kg, drawn.leaves[0].mass_kg, drawn.leaves[1].mass_kg}) == 3
    assert drawn.offset_m[0] != drawn.offset_m[2]


@pytest.mark.parametrize("path", sorted(leaves(Tree())))
def test_fixing_one_value_leaves_every_other_untouched(path):
    drawn = leaves(sample(Tree(), rng(5)))

    def fix(value, rest):
        if not rest:
            return value.middle() if isinstance(value, Distribution) else value
        if isinstance(value, tuple):
            return tuple(fix(v, rest[1:]) if i == int(rest[0]) else v for i, v in enumerate(value))
        return dataclasses.replace(value, **{rest[0]: fix(getattr(value, rest[0]), rest[1:])})

    fixed = leaves(sample(fix(Tree(), path[1:].split(".")), rng(5)))
    assert {k: v for k, v in fixed.items() if k != path} == {k: v for k, v in drawn.items() if k != path}


def test_changing_a_distribution_leaves_every_other_value_untouched():
    # Rejection in `Normal` takes a varying number of draws, which must not shift what follows.
    changed = Tree(offset_m=(Normal(0.0, 0.2), Uniform(0, 1), Normal(0.0, 0.1)))
    a, b = leaves(sample(Tree(), rng(6))), leaves(sample(changed, rng(6)))
    assert {k for k in a if a[k] != b[k]} == {".offset_m.0", ".offset_m.1"}


@pytest.mark.parametrize("spec", [Tree(), Leaf(), Leaf(1.0, 1.0, 1, "point"), 3.0])
def test_sampling_advances_the_generator_by_one_draw(spec):
    a, b = rng(9), rng(9)
    sample(spec, a)
    b.integers(2**63)
    assert a.bit_generator.state == b.bit_generator.state


def test_draws_at_one_place_are_uniform_over_seeds():
    x = np.sort([sample(Leaf(), rng(seed)).mass_kg for seed in range(2000)])
    expected = 0.1 + 1.9 * (np.arange(len(x)) + 0.5) / len(x)
    # Kolmogorov and Smirnov's distance at the 0.1 % level.
    assert np.abs(x - expected).max() / 1.9 < 1.95 / math.sqrt(len(x))
