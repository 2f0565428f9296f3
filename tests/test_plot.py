"""Figures: what they show, in which colour, and that they touch no global state."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import harsanyi as hs
import numpy as np
import pytest
from harsanyi import plot
from harsanyi.errors import ArgumentError, ArgumentTypeError, MissingDependencyError
from harsanyi.explanation import Explanation, SparsePair
from harsanyi.games.maskers import FeatureMap, Features, Masker, Patches
from harsanyi.plot import _panels, _style
from harsanyi.plot._style import MINUS, NEGATIVE, POSITIVE
from hypothesis import given, strategies as st
from hypothesis.extra import numpy as hnp
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from reference import mobius, order_sums

CELLS = [(0, 0), (0, 1), (1, 0)]  # of a 2x2 grid; the last patch is no player
PLANTED = {0b011: 3.0, 0b100: -2.0, 0b111: 1.0}  # AND interactions


def explained(masker: Masker, sample: Any, planted: dict[int, float] = PLANTED) -> Explanation:
    """A game whose Harsanyi dividends are the planted ones."""
    masking = masker.bind(sample)
    dividends = np.zeros(1 << masking.n)
    for subset, value in planted.items():
        dividends[subset] = value
    v = hs.zeta(dividends)
    return Explanation(v, dividends, hs.or_transform(v), masking)


@pytest.fixture
def image() -> Explanation:
    sample = np.zeros((1, 8, 8), np.float32)
    sample[0, 2:6, 3:5] = 1  # a stroke on black
    return explained(Patches(2, baseline=0.0, players=CELLS), sample)


@pytest.fixture
def table() -> Explanation:
    masker = Features(0.0, names=["radius", "fractal dimension", "area"])
    return explained(masker, np.array([1.0, 2.0, 3.0]))


def texts(figure: Figure) -> list[tuple[str, str]]:
    """The words on the page, with their colours."""
    return [(text.get_text(), text.get_color()) for text in figure.texts]


def shown(figure: Figure, panel: int) -> Any:
    """The picture in a panel: the sample is panel 0, the colour key 1, then AND, then OR."""
    return np.asarray(figure.axes[panel].images[0].get_array())


def bars(axes: Any) -> list[float]:
    return [patch.get_height() for patch in axes.patches]


# ---- images ----


@pytest.mark.parametrize(("top", "panels"), [(1, 1), (2, 2), (5, 5), (50, 7)])
def test_an_image_has_a_panel_for_the_sample_the_key_each_interaction_and_each_strength(
    image: Explanation, top: int, panels: int
) -> None:
    assert len(plot.interactions(image, top=top).axes) == 2 + 2 * panels + 2


def test_values_stand_in_order_of_strength_in_the_colour_of_their_sign(image: Explanation) -> None:
    words = texts(plot.interactions(image, top=3))
    values = [word for word in words if word[0] in ("+3.00", MINUS + "2.00", "+1.00")]
    assert values[:3] == [("+3.00", POSITIVE), (MINUS + "2.00", NEGATIVE), ("+1.00", POSITIVE)]


def test_the_players_of_an_interaction_are_named(image: Explanation) -> None:
    words = [word for word, _ in texts(plot.interactions(image, top=3))]
    assert "r0c0 \N{LOGICAL AND} r0c1" in words
    assert words.count("order 2") >= 1
    strongest_or = image.top(1, kind="or")[0]
    expected = " \N{LOGICAL OR} ".join(strongest_or.names).replace(", ", ",\N{NO-BREAK SPACE}")
    assert expected in [word.replace("\n", " ") for word in words]


def test_a_positive_interaction_is_red_and_a_negative_one_blue_on_its_patches_alone(
    image: Explanation,
) -> None:
    figure = plot.interactions(image, top=2)
    positive, negative = shown(figure, 2), shown(figure, 3)
    top, bottom_left = np.s_[:4, :], np.s_[4:, :4]
    paper = ~(np.asarray(image.masking.sample)[0] > 0)
    red_minus_blue = positive[..., 0] - positive[..., 2]
    assert (red_minus_blue[top][paper[top]] > 0.1).all()
    assert np.ptp(positive[4:], axis=2).max() == 0  # the rest is grey
    assert ((negative[..., 2] - negative[..., 0])[bottom_left][paper[bottom_left]] > 0.1).all()
    assert np.ptp(negative[:4], axis=2).max() == 0
    assert np.ptp(negative[4:, 4:], axis=2).max() == 0


def test_the_patches_of_an_interaction_are_outlined_in_its_colour(image: Explanation) -> None:
    figure = plot.interactions(image, top=2)
    outlines = [
        (patch.get_xy(), patch.get_width(), patch.get_height(), to_rgb(patch.get_edgecolor()))
        for panel in (2, 3)
        for patch in figure.axes[panel].patches
    ]
    assert outlines == [
        ((-0.5, -0.5), 4, 4, to_rgb(POSITIVE)),
        ((3.5, -0.5), 4, 4, to_rgb(POSITIVE)),
        ((-0.5, 3.5), 4, 4, to_rgb(NEGATIVE)),
    ]


def test_a_stronger_interaction_has_a_deeper_colour() -> None:
    sample = np.zeros((1, 8, 8), np.float32)
    explanation = explained(Patches(2, baseline=0.0), sample, {0b0001: 4.0, 0b0010: 3.0, 0b0100: 2.0})
    figure = plot.interactions(explanation, top=3)
    windows = (np.s_[0, 0], np.s_[0, 7], np.s_[7, 0])
    greens = [shown(figure, 2 + i)[window][1] for i, window in enumerate(windows)]
    assert greens[0] < greens[1] < greens[2] < 1


def test_the_sample_is_shown_with_every_player_named(image: Explanation) -> None:
    figure = plot.interactions(image)
    assert [text.get_text() for text in figure.axes[0].texts] == ["r0c0", "r0c1", "r1c0"]
    np.testing.assert_array_equal(shown(figure, 0)[..., 0], 1 - np.asarray(image.masking.sample)[0])


def test_only_a_grid_with_patches_left_out_says_so(image: Explanation) -> None:
    note = "What has no name is never masked."
    whole = explained(Patches(2, baseline=0.0), np.zeros((1, 8, 8), np.float32))
    assert note in [word for word, _ in texts(plot.interactions(image))]
    assert note not in [word for word, _ in texts(plot.interactions(whole))]


def test_title_and_notes_are_on_the_page(image: Explanation, table: Explanation) -> None:
    for explanation in (image, table):
        words = " ".join(
            word for word, _ in texts(plot.interactions(explanation, title="A title", notes=["One.", "Two."]))
        )
        assert "A title" in words
        assert "One." in words
        assert "Two." in words


def test_patches_of_a_feature_map_are_drawn_on_the_image_it_came_from() -> None:
    source = np.linspace(0, 1, 3 * 12 * 8).reshape(3, 12, 8)
    masker = FeatureMap(lambda batch: batch.mean(1, keepdims=True)[:, :, ::2, ::2], 2, players=CELLS)
    figure = plot.interactions(explained(masker, source), top=1)
    assert shown(figure, 0).shape == (12, 8, 3)
    outlines = [(p.get_xy(), p.get_width(), p.get_height()) for p in figure.axes[0].patches]
    assert outlines == [((-0.5, -0.5), 4, 6), ((3.5, -0.5), 4, 6), ((-0.5, 5.5), 4, 6)]


def test_torch_samples_are_drawn() -> None:
    torch = pytest.importorskip("torch")
    explanation = explained(Patches(2, baseline=0.0, players=CELLS), torch.zeros(1, 8, 8))
    assert len(plot.interactions(explanation, top=1).axes) == 6


# ---- tables ----


def test_bars_are_the_interactions_with_their_names_values_and_colours(table: Explanation) -> None:
    figure = plot.interactions(table, top=3)
    left, right = figure.axes[:2]
    assert [patch.get_width() for patch in left.patches] == [3.0, -2.0, 1.0]
    assert [to_rgb(patch.get_facecolor()) for patch in left.patches] == [
        to_rgb(POSITIVE),
        to_rgb(NEGATIVE),
        to_rgb(POSITIVE),
    ]
    names = [
        label.get_text().replace("\N{NO-BREAK SPACE}", " ").replace("\n", " ")
        for label in left.get_yticklabels()
    ]
    assert names == [
        "radius \N{LOGICAL AND} fractal dimension",
        "area",
        "radius \N{LOGICAL AND} fractal dimension \N{LOGICAL AND} area",
    ]
    assert [text.get_text() for text in left.texts] == ["+3.00", MINUS + "2.00", "+1.00"]
    assert [patch.get_width() for patch in right.patches] == [one.value for one in table.top(3, kind="or")]
    assert left.get_xlim() == right.get_xlim()


def test_the_strongest_bar_is_on_top(table: Explanation) -> None:
    axes = plot.interactions(table, top=3).axes[0]
    heights = [axes.transData.transform((0, patch.get_y()))[1] for patch in axes.patches]
    assert heights == sorted(heights, reverse=True)


# ---- strength per order ----


def test_strength_per_order_is_the_sum_of_positive_and_of_negative_interactions() -> None:
    v = np.random.default_rng(0).normal(size=16)
    explanation = Explanation(v, mobius(v), hs.or_transform(v), Features().bind(np.ones(4)))
    figure = plot.strength_per_order(explanation)
    for axes, x in zip(figure.axes, (explanation.dividends, explanation.or_interactions), strict=True):
        sums = order_sums(np.asarray(x), 0.0, False)
        np.testing.assert_allclose(bars(axes), [*sums["positive"][1:], *-sums["negative"][1:]], rtol=1e-12)
        assert {to_rgb(patch.get_facecolor()) for patch in axes.patches[:4]} == {to_rgb(POSITIVE)}
        assert {to_rgb(patch.get_facecolor()) for patch in axes.patches[4:]} == {to_rgb(NEGATIVE)}
        low, high = axes.get_ylim()
        assert low < min(bars(axes)) < max(bars(axes)) < high
    assert figure.axes[0].get_ylim() == figure.axes[1].get_ylim()


def test_the_empty_set_is_in_no_strength() -> None:
    explanation = explained(Features(), np.ones(2), {0b00: 100.0, 0b01: 1.0})
    assert bars(plot.strength_per_order(explanation).axes[0]) == [1.0, 0.0, 0.0, 0.0]


def test_the_sparse_pair_is_drawn_on_request(table: Explanation) -> None:
    pair = SparsePair(np.array([0, 5.0, 0, 0, 0, 0, 0, 0]), np.array([0, 0, 0, 0, -7.0, 0, 0, 0]))
    both = Explanation(table.v, table.dividends, table.or_interactions, table.masking, decomposition=pair)
    figure = plot.interactions(both, top=1, sparse=True)
    assert [axes.patches[0].get_width() for axes in figure.axes[:2]] == [5.0, -7.0]
    assert bars(figure.axes[2])[0] == 5.0
    assert bars(plot.strength_per_order(both, sparse=True).axes[1])[3] == -7.0
    assert [axes.patches[0].get_width() for axes in plot.interactions(both, top=1).axes[:2]] != [5.0, -7.0]


# ---- edges ----


def test_a_game_without_any_effect_is_drawn() -> None:
    for masker, sample in ((Features(), np.ones(2)), (Patches(2), np.zeros((1, 4, 4)))):
        explanation = explained(masker, sample, {})
        plot.interactions(explanation, top=3).draw_without_rendering()
        plot.strength_per_order(explanation).draw_without_rendering()


def test_one_player_is_enough() -> None:
    for masker, sample in ((Features(), np.ones(1)), (Patches(1), np.zeros((1, 4, 4)))):
        plot.interactions(explained(masker, sample, {1: 1.0})).draw_without_rendering()


@pytest.mark.parametrize("name", ["image", "table"])
def test_a_saved_picture_has_something_to_see(
    name: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    from matplotlib.image import imread

    path = tmp_path / "picture.png"
    explanation = request.getfixturevalue(name)
    plot.interactions(explanation, top=3, title="Title").savefig(path, dpi=60)
    pixels = imread(path)[..., :3]
    assert path.stat().st_size > 5000
    assert min(pixels.shape[:2]) > 300
    assert len(np.unique(pixels.reshape(-1, 3), axis=0)) > 100
    for colour in (POSITIVE, NEGATIVE):  # there are pixels of both
        assert (np.abs(pixels - np.asarray(to_rgb(colour))).max(2) < 0.02).sum() > 100


def test_words_stay_on_the_page(image: Explanation, table: Explanation) -> None:
    for explanation in (image, table):
        figure = plot.interactions(
            explanation, title="Title", notes=["A note that is long enough to wrap twice over, " * 3]
        )
        figure.draw_without_rendering()
        width, height = figure.bbox.size
        for text in [*figure.texts, *(label for axes in figure.axes for label in axes.get_yticklabels())]:
            box = text.get_window_extent()
            assert box.x0 > -1, text.get_text()
            assert box.y0 > -1, text.get_text()
            assert box.y1 < height + 1, text.get_text()
            assert box.x1 < width + 1 or text.get_text().startswith("A note"), text.get_text()


def test_drawing_needs_no_display_and_no_pyplot() -> None:
    program = """
import sys, numpy as np, harsanyi as hs
from harsanyi import plot
assert "matplotlib" not in sys.modules
masker, output = hs.maskers.Features(), hs.outputs.scalar(lambda y: y)
explanation = hs.explain(lambda x: x.prod(1), np.ones(3), masker=masker, output=output)
plot.interactions(explanation).savefig(sys.argv[1])
assert "matplotlib" in sys.modules
assert "matplotlib.pyplot" not in sys.modules
"""
    done = subprocess.run(
        [sys.executable, "-c", program, "/dev/null"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("draw", [plot.interactions, plot.strength_per_order])
def test_bad_arguments_are_named(draw: Any, table: Explanation) -> None:
    with pytest.raises(ArgumentTypeError, match="explanation: got dict"):
        draw({})
    with pytest.raises(ArgumentError, match="decomposition"):
        draw(table, sparse=True)
    nobody = Explanation(np.ones(1), np.ones(1), -np.ones(1), Features(groups=[]).bind(np.ones(2)))
    with pytest.raises(ArgumentError, match="explanation: got no players"):
        draw(nobody)


def test_no_interaction_at_all_is_refused(table: Explanation) -> None:
    with pytest.raises(ArgumentError, match="k: got 0"):
        plot.interactions(table, top=0)


def test_a_missing_matplotlib_is_named_with_its_extra(
    table: Explanation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(MissingDependencyError, match=r'pip install "harsanyi\[plot\]"'):
        plot.interactions(table)


# ---- pictures and words ----

SHAPES = st.sampled_from([(1, 4, 5), (3, 4, 5), (4, 5), (7, 4, 5)])


@given(hnp.arrays(np.float64, SHAPES, elements=st.floats(-1e6, 1e6)))
def test_any_image_becomes_colours_between_0_and_1(sample: Any) -> None:
    picture = _panels.picture_of(sample)
    assert picture.shape == (4, 5, 3)
    assert picture.min() >= 0
    assert picture.max() <= 1


def test_colours_are_drawn_as_they_are() -> None:
    sample = np.random.default_rng(0).random((3, 4, 5))
    np.testing.assert_array_equal(_panels.picture_of(sample), sample.transpose(1, 2, 0))
    whole = np.arange(60, dtype=np.uint8).reshape(3, 4, 5)
    np.testing.assert_allclose(_panels.picture_of(whole), whole.transpose(1, 2, 0) / 255)


@pytest.mark.parametrize("background", [0.0, 1.0])
def test_the_paper_is_where_the_baseline_is(background: float) -> None:
    sample = np.full((1, 4, 4), background)
    sample[0, 1, 1] = 1 - background
    picture = _panels.picture_of(sample, np.full((1, 4, 4), background))
    assert (picture[0, 0] == 1).all()
    assert (picture[1, 1] == 0).all()


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (5.5543, "+5.55"),
        (-4.8, MINUS + "4.80"),
        (16.896, "+16.9"),
        (0.01234, "+0.0123"),
        (1234.5, "+1234"),
        (-250.0, MINUS + "250"),
        (0.0, "+0.00"),
    ],
)
def test_values_are_written_with_three_digits_and_their_sign(value: float, words: str) -> None:
    assert _style.signed(value) == words


def test_lines_break_between_names_and_never_inside_one() -> None:
    words = _style.wrapped(["concave points", "fractal dimension", "area"], "and", 20)
    assert [line.replace("\N{NO-BREAK SPACE}", " ") for line in words.split("\n")] == [
        "concave points \N{LOGICAL AND}",
        "fractal dimension \N{LOGICAL AND}",
        "area",
    ]
