"""The command `harsanyi`, in-process: the demo, one's own network, and every way to get it wrong."""

from __future__ import annotations

import argparse
import functools
import re
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import harsanyi as hs
import numpy as np
import pytest
import torch
from harsanyi.cli import main
from harsanyi.experiments import data
from harsanyi.experiments.cache import cached_fit
from harsanyi.experiments.fit import Recipe
from harsanyi.explanation import Explanation
from reference import masked_batch

pytestmark = pytest.mark.usefixtures("one_thread")


class Result(NamedTuple):
    code: int
    out: str
    err: str
    folder: Path

    @property
    def record(self) -> Explanation:
        return Explanation.load(self.folder / "explanation.safetensors")

    @property
    def words(self) -> str:
        return " ".join(self.out.split())


Command = Callable[..., Result]


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One cache for the whole file, so that each network is trained once."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def load() -> Callable[[str], data.Dataset]:
    """`data.load`, reading each table once."""
    return functools.cache(data.load)


@pytest.fixture
def explain(
    cache: Path,
    load: Callable[[str], data.Dataset],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Command:
    monkeypatch.setenv("HARSANYI_CACHE_DIR", str(cache))
    monkeypatch.setenv("COLUMNS", "140")
    monkeypatch.setattr(data, "load", load)

    def run(*options: object, plot: bool = False) -> Result:
        capsys.readouterr()
        folder = tmp_path / "out"
        shown = () if plot else ("--no-plot",)
        code = main(["explain", "--output-dir", str(folder), *shown, *map(str, options)])
        out, err = capsys.readouterr()
        return Result(code, out, err, folder)

    return run


TUMOURS = ("--data", "breast-cancer", "--epochs", 2)
DIGITS = ("--epochs", 1, "--players", "r1c1,r1c2,r2c1,r2c2")
OWN_TABLE = ("--model", "{table_model}", "--sample", "{table}")
OWN_IMAGE = ("--model", "{image_model}", "--sample", "{image}")


# ---- the demo ----


def test_the_demo_on_tumours_explains_the_trained_network(explain: Command, cache: Path) -> None:
    result = explain(*TUMOURS, "--index", 3, "--top", 4)
    assert (result.code, result.err) == (0, "")
    tumours = data.breast_cancer()
    network = cached_fit(Recipe("mlp", epochs=2), tumours, folder=cache).network
    record = result.record
    assert record.names == tumours.group_names
    np.testing.assert_array_equal(record.masking.sample, tumours.x_test[3])
    # The definition: every subset masked by hand, the log-odds of the predicted class from its two logits.
    owner = np.empty(30, int)
    for player, group in enumerate(tumours.groups):
        owner[list(group)] = player
    keep = (np.arange(1024)[:, None] >> np.arange(10)) & 1
    rows = np.asarray(masked_batch(tumours.x_test[3], np.zeros(30), owner, keep), np.float32)
    with torch.no_grad():
        logits = network(torch.from_numpy(rows)).double().numpy()
    target = int(logits[-1].argmax())
    assert record.target == target
    np.testing.assert_allclose(record.v, logits[:, target] - logits[:, 1 - target], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("plain", [False, True])
def test_the_table_names_the_strongest_interactions_with_their_shares(plain: bool, explain: Command) -> None:
    result = explain(*TUMOURS, "--top", 3, *["--plain"] * plain)
    record = result.record
    and_, or_ = plain_or_pair(record, plain)
    norms = [np.abs(x[1:]).sum() for x in (and_, or_)]
    if not plain:  # both kinds share one norm
        norms = [sum(norms)] * 2
    _, and_rows, or_rows = re.split(
        "\nAND interactions|\nOR interactions", result.out.split("Strength per order")[0]
    )
    for rows, sign, found, norm in (
        (and_rows, "\N{LOGICAL AND}", record.top(3, kind="and", sparse=not plain), norms[0]),
        (or_rows, "\N{LOGICAL OR}", record.top(3, kind="or", sparse=not plain), norms[1]),
    ):
        table = [re.split(r"\s{2,}", row.strip()) for row in rows.splitlines() if row.strip().endswith("%")]
        assert [(row[0], row[1]) for row in table] == [
            (f" {sign} ".join(one.names), str(one.order)) for one in found
        ]
        values = [float(row[2].replace("\N{MINUS SIGN}", "-")) for row in table]
        shown = 5.1e-5  # half of the last of four decimals
        np.testing.assert_allclose(values, [one.value for one in found], rtol=0, atol=shown)
        assert [row[3] for row in table] == [f"{abs(one.value) / norm:.1%}" for one in found]


def test_the_header_says_what_was_explained(explain: Command) -> None:
    result = explain(*TUMOURS, "--index", 2)
    tumours = data.breast_cancer()
    record = result.record
    assert "MLP, 33,602 weights, accuracy " in result.words
    assert f"true “{tumours.class_names[tumours.y_test[2]]}”" in result.words
    assert f"predicted “{tumours.class_names[record.target or 0]}”" in result.words
    assert f"log-odds of “{tumours.class_names[record.target or 0]}”" in result.words
    assert "evaluation of 1024 masked samples" in result.words
    assert "Universal matching" in result.words
    for plain, words in ((False, result.words), (True, explain(*TUMOURS, "--index", 2, "--plain").words)):
        counts = [len(record.salient(kind=kind, sparse=not plain)) for kind in ("and", "or")]  # type: ignore[arg-type]
        assert f"{counts[0]} AND and {counts[1]} OR interactions of 1023 each are salient" in words


@pytest.mark.parametrize("plain", [False, True])
def test_the_strength_of_every_order_is_printed(plain: bool, explain: Command) -> None:
    result = explain(*TUMOURS, *["--plain"] * plain)
    sums = [hs.reduce_orders(x) for x in plain_or_pair(result.record, plain)]
    lines = result.out.split("Strength per order")[1].splitlines()[2:12]
    largest = max(float(part[1:].max()) for one in sums for part in (one.positive, one.negative))
    for order, line in enumerate(lines, start=1):
        cells = [float(cell.replace("\N{MINUS SIGN}", "-")) for cell in line.split()]
        expected = [
            sums[0].positive[order],
            -sums[0].negative[order],
            sums[1].positive[order],
            -sums[1].negative[order],
        ]
        assert cells[0] == order
        np.testing.assert_allclose([cells[i] for i in (2, 3, 5, 6)], expected, atol=1e-3 * largest)


def plain_or_pair(record: Explanation, plain: bool) -> tuple[Any, Any]:
    return (record.dividends, record.or_interactions) if plain else (record.and_, record.or_)


def number(words: str) -> float:
    return float(words.replace("\N{MINUS SIGN}", "-"))


def test_the_parts_of_the_output_add_up_to_it(explain: Command) -> None:
    result = explain(*TUMOURS, "--top", 3)
    record = result.record
    lines = result.out.split("adds up from")[1].splitlines()[2:7]
    rows = [re.split(r"\s{2,}", line.strip()) for line in lines]
    assert [row[0] for row in rows] == [
        "every player masked",
        "AND interactions",
        "OR interactions",
        "noise term",
        "the sample",
    ]
    values = [number(row[1]) for row in rows]
    assert sum(values[:4]) == pytest.approx(values[4], abs=3e-3)
    assert values[4] == pytest.approx(float(record.v[-1]), abs=1e-3)
    for row, kind, x in ((rows[1], "and", record.and_), (rows[2], "or", record.or_)):
        shown = [one.value for one in record.top(3, kind=kind, sparse=True)]  # type: ignore[arg-type]
        assert number(row[1]) == pytest.approx(float(x[1:].sum()), abs=1e-3)
        assert number(row[2]) == pytest.approx(float(np.abs(x[1:]).sum()), abs=1e-3)
        assert number(row[3]) == pytest.approx(sum(shown), abs=1e-3)
        assert row[4] == f"{np.abs(shown).sum() / np.abs(x[1:]).sum():.1%}"


def test_the_pair_is_certified_in_the_header_the_record_and_the_picture(
    explain: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    from harsanyi import plot

    drawn = []
    monkeypatch.setattr(plot, "interactions", lambda *a, **k: drawn.append(k) or FakeFigure())
    result = explain(*TUMOURS, "--noise", 0.05, "--gap", 0.01, plot=True)
    found = result.record.decomposition
    expected = hs.decompose(result.record.v, noise=0.05, gap=0.01)
    np.testing.assert_array_equal(found.and_, expected.and_)
    assert (found.gap, found.zeta, found.steps) == (expected.gap, expected.zeta, expected.steps)
    assert f"gap {100 * found.gap:.2g}% (optimal: at most 1% asked for; {found.steps} steps)" in result.words
    assert f"l1 norm smaller by more than {100 * (1 - found.l1_lower_bound / found.l1):.2g}%" in result.words
    assert f"l1 norm {found.l1:.4g}, of AND interactions alone " in result.words
    assert f"noise term within ±{found.zeta:.3g};" in result.words
    assert "the sparse pair with its noise term" in result.words
    [options] = drawn
    assert options["sparse"] is True
    assert f"within {100 * found.gap:.2g}% of the sparsest" in options["notes"][2]
    alone = [
        len(result.record.salient(0.05 * strongest(result.record), kind=kind, relative=False))
        for kind in KINDS
    ]
    assert f"{alone[0]} of the AND interactions alone (Harsanyi dividends), and {alone[1]} of" in result.words


KINDS: Any = ("and", "or")


def strongest(record: Explanation) -> float:
    return max(abs(record.top(1, kind=kind, sparse=True)[0].value) for kind in KINDS)


def test_a_gap_that_is_not_reached_is_said_and_no_error(explain: Command) -> None:
    result = explain(*TUMOURS, "--gap", 0, "--noise", 0, "--max-steps", 70)
    assert (result.code, result.err) == (0, "")
    found = result.record.decomposition
    assert (found.status, found.steps) == ("max_steps", 70)
    assert f"the 0% asked for was NOT reached; {found.steps} steps" in result.words
    assert "noise term none" in result.words
    assert not found.delta.any()


def test_plain_interactions_alone(explain: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    from harsanyi import plot

    drawn = []
    monkeypatch.setattr(plot, "interactions", lambda *a, **k: drawn.append(k) or FakeFigure())
    result = explain(*TUMOURS, "--plain", plot=True)
    assert result.record.decomposition is None
    assert "(Harsanyi dividends)" in result.words
    assert "sparse pair" not in result.words
    assert drawn[0]["sparse"] is False
    for option, value in (("--noise", 0.1), ("--gap", 0.1), ("--max-steps", 9)):
        refused(
            explain(*TUMOURS, "--plain", option, value),
            f"{option}: got {value}, but it must be left out with",
        )


def test_the_second_run_needs_no_training(explain: Command) -> None:
    options = ("--data", "breast-cancer", "--epochs", 1, "--seed", 5)
    first, second = explain(*options), explain(*options)
    assert "training " in first.words
    assert "training 0" not in second.words
    assert "time evaluation" in second.words
    fresh = explain(*options, "--no-cache")
    assert "time training" in fresh.words
    values = [np.asarray(result.record.v) for result in (second, fresh)]
    np.testing.assert_array_equal(*values)


def test_no_cache_keeps_nothing(explain: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARSANYI_CACHE_DIR", str(tmp_path / "untouched"))
    assert explain("--data", "breast-cancer", "--epochs", 1, "--no-cache").code == 0
    assert not (tmp_path / "untouched").exists()


def test_a_damaged_cache_costs_a_note(
    explain: Command, cache: Path, caplog: pytest.LogCaptureFixture
) -> None:
    first = explain(*TUMOURS, "--seed", 9).record
    for entry in cache.iterdir():
        entry.write_bytes(b"damaged")
    result = explain(*TUMOURS, "--seed", 9)
    assert result.code == 0
    assert "is trained again" in caplog.text
    np.testing.assert_array_equal(result.record.v, first.v)


def test_the_demo_on_digits_leaves_the_corners_out(explain: Command) -> None:
    result = explain("--epochs", 1)
    assert result.code == 0
    record = result.record
    corners = {(0, 0), (0, 3), (3, 0), (3, 3)}
    assert record.names == tuple(f"r{r}c{c}" for r in range(4) for c in range(4) if (r, c) not in corners)
    assert record.v.shape == (4096,)
    assert record.masking.sample.shape == (1, 28, 28)
    assert not np.asarray(record.masking.baseline).any()
    assert "LeNet, 61,706 weights" in result.words
    assert "MNIST test image 0" in result.words
    assert "players become 0 (black)" in result.words


def test_players_grid_and_baseline_are_as_asked(explain: Command, tmp_path: Path) -> None:
    record = explain(*DIGITS, "--baseline", "0.25").record
    assert record.names == ("r1c1", "r1c2", "r2c1", "r2c2")
    assert record.masking.boxes == ((7, 7, 7, 7), (7, 14, 7, 7), (14, 7, 7, 7), (14, 14, 7, 7))
    assert (np.asarray(record.masking.baseline) == 0.25).all()
    record = explain("--epochs", 1, "--grid", "1x3", "--baseline", "mean").record
    assert record.names == ("r0c0", "r0c1", "r0c2")
    np.testing.assert_allclose(record.masking.baseline, np.asarray(record.masking.sample).mean(), rtol=1e-6)
    np.save(tmp_path / "baseline.npy", np.full((1, 28, 28), 0.5))
    record = explain(*DIGITS, "--baseline", tmp_path / "baseline.npy").record
    assert (np.asarray(record.masking.baseline) == 0.5).all()
    assert explain("--epochs", 1, "--grid", 2, "--players", "all").record.names[-1] == "r1c1"
    assert explain(*TUMOURS, "--players", "area,radius,4").record.names == (
        "area",
        "radius",
        "smoothness",
    )


def test_target_and_output_are_as_asked(explain: Command) -> None:
    odds = [explain(*DIGITS, "--target", 7, "--output", kind).record for kind in ("log_odds", "log_prob")]
    assert [record.target for record in odds] == [7, 7]
    np.testing.assert_allclose(odds[1].v, -np.log1p(np.exp(-np.asarray(odds[0].v))), rtol=1e-5)
    result = explain(*DIGITS, "--target", 7, "--output", "logit")
    assert "logit of “7”" in result.words


def test_quiet_prints_the_paths_and_nothing_else(explain: Command) -> None:
    result = explain(*DIGITS, "--quiet", plot=True)
    assert result.out.splitlines() == [
        str(result.folder / "explanation.safetensors"),
        str(result.folder / "interactions.png"),
    ]
    assert result.err == ""
    assert (result.folder / "interactions.png").stat().st_size > 10_000


def test_no_plot_writes_the_record_alone(explain: Command) -> None:
    result = explain(*DIGITS)
    assert [path.name for path in result.folder.iterdir()] == ["explanation.safetensors"]
    assert f"wrote {result.folder / 'explanation.safetensors'}" in result.out


def test_top_counts_the_rows_and_the_panels(explain: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    from harsanyi import plot

    drawn = []
    monkeypatch.setattr(plot, "interactions", lambda *a, **k: drawn.append(k["top"]) or FakeFigure())
    counts = []
    for options in ((), ("--top", 2)):
        table = (
            explain(*DIGITS, *options, plot=True)
            .out.split("\nAND interactions")[1]
            .split("\nOR interactions")[0]
        )
        counts.append(table.count("%"))
    assert counts == [10, 2]
    assert drawn == [5, 2]


class FakeFigure:
    def savefig(self, path: Path, **options: object) -> None:
        path.write_bytes(b"picture")


def test_batch_size_and_threads_do_not_change_the_result(explain: Command) -> None:
    before = torch.get_num_threads(), hs.get_num_threads()
    first = explain(*DIGITS).record
    second = explain(*DIGITS, "--batch-size", 3, "--threads", 2).record
    np.testing.assert_allclose(first.v, second.v, rtol=1e-4, atol=1e-4)
    assert (torch.get_num_threads(), hs.get_num_threads()) == before


def test_the_threads_are_put_back_after_an_error(explain: Command) -> None:
    before = torch.get_num_threads(), hs.get_num_threads()
    assert explain(*TUMOURS, "--threads", 3, "--index", 999).code == 2
    assert (torch.get_num_threads(), hs.get_num_threads()) == before


# ---- one's own network ----


class Files(NamedTuple):
    image_model: Path
    table_model: Path
    one_row_model: Path
    scripted_model: Path
    image: Path
    table: Path
    networks: dict[Path, torch.nn.Module]


class Shaky(torch.nn.Module):
    """NaN as soon as the second feature is masked."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.log(x[:, 1:3])


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    folder = tmp_path_factory.mktemp("own")
    with torch.random.fork_rng(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of torch's exporters
        torch.manual_seed(0)
        layers = (
            torch.nn.Conv2d(3, 4, 3),
            torch.nn.ReLU(),
            torch.nn.AdaptiveAvgPool2d(2),
            torch.nn.Flatten(),
        )
        conv = torch.nn.Sequential(*layers, torch.nn.Linear(16, 5)).eval()
        dense = torch.nn.Sequential(torch.nn.Linear(4, 6), torch.nn.ReLU(), torch.nn.Linear(6, 3)).eval()
        rows = ({0: torch.export.Dim("rows", min=1, max=1 << 20)},)
        image, table = torch.rand(3, 12, 10), torch.randn(4)
        paths = [folder / name for name in ("image.pt2", "table.pt2", "one_row.pt2", "scripted.pt")]
        torch.export.save(
            torch.export.export(conv, (image.expand(3, -1, -1, -1),), dynamic_shapes=rows), paths[0]
        )
        torch.export.save(torch.export.export(dense, (table.expand(3, -1),), dynamic_shapes=rows), paths[1])
        torch.export.save(torch.export.export(dense, (table[None],)), paths[2])
        torch.jit.save(torch.jit.trace(dense, table[None]), paths[3])
    np.save(folder / "image.npy", image.numpy())
    np.save(folder / "table.npy", table.numpy().astype(np.float64))
    networks = dict(zip(paths, (conv, dense, dense, dense), strict=True))
    return Files(*paths, folder / "image.npy", folder / "table.npy", networks)


def by_definition(network: torch.nn.Module, record: Explanation) -> Any:
    """The log-odds of the record's target for every subset, one masked sample at a time."""
    masking, n = record.masking, record.n
    keep = (np.arange(1 << n)[:, None] >> np.arange(n)) & 1
    rows = masked_batch(masking.sample.ravel(), masking.baseline.ravel(), masking.player, keep)
    values = []
    for row in rows:
        x = torch.tensor(np.reshape(row, masking.sample.shape), dtype=torch.float32)
        with torch.no_grad():
            z = network(x[None])[0].double()
        others = torch.cat((z[: record.target], z[(record.target or 0) + 1 :]))
        values.append(float(z[record.target or 0] - others.logsumexp(0)))
    return values


@pytest.mark.parametrize("model", ["table_model", "one_row_model", "scripted_model"])
def test_a_network_on_a_table_is_explained(model: str, files: Files, explain: Command) -> None:
    path = getattr(files, model)
    result = explain("--model", path, "--sample", files.table, plot=True)
    assert (result.code, result.err) == (0, "")
    assert result.record.names == ("x0", "x1", "x2", "x3")
    np.testing.assert_allclose(
        result.record.v, by_definition(files.networks[path], result.record), rtol=1e-4, atol=1e-5
    )
    assert ("one sample at a time" in result.words) == (model == "one_row_model")
    assert (result.folder / "interactions.png").stat().st_size > 10_000


def test_a_network_on_an_image_is_explained(files: Files, explain: Command) -> None:
    result = explain("--model", files.image_model, "--sample", files.image, "--grid", "2x3", plot=True)
    assert (result.code, result.err) == (0, "")
    record = result.record
    assert record.names == ("r0c0", "r0c1", "r0c2", "r1c0", "r1c1", "r1c2")
    colour = np.asarray(record.masking.sample).mean((1, 2))
    np.testing.assert_allclose(np.asarray(record.masking.baseline)[:, 0, 0], colour, rtol=1e-6)
    np.testing.assert_allclose(
        record.v, by_definition(files.networks[files.image_model], record), rtol=1e-4, atol=1e-5
    )
    assert "the mean colour of the image" in result.words
    assert (result.folder / "interactions.png").stat().st_size > 10_000


def test_players_of_a_table_are_chosen_by_name_or_number(files: Files, explain: Command) -> None:
    result = explain("--model", files.table_model, "--sample", files.table, "--players", "x2,0")
    assert result.record.masking.player.tolist() == [1, -1, 0, -1]
    assert result.record.names == ("x2", "x0")


def test_an_image_may_be_read_as_a_table(files: Files, explain: Command) -> None:
    own = ("--model", files.image_model, "--sample", files.image)
    result = explain(*own, "--kind", "tabular", "--players", "0,7")
    assert result.record.names == ("x0", "x7")
    assert result.record.masking.boxes is None


# ---- what goes wrong ----


def refused(result: Result, *words: str) -> None:
    assert result.code == 2
    assert result.out == ""
    assert result.err.count("\n") == 1
    assert result.err.startswith("harsanyi explain: ")
    for word in words:
        assert word in result.err


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (
            (*TUMOURS, "--index", 113),
            "--index: got 113, but it must be a test sample of breast-cancer, 0 to 112",
        ),
        (("--index", -1), "--index: got -1"),
        (("--seed", -1), "seed: got -1"),
        (("--grid", 29), "got 29, but it must be an integer from 1 to 28"),
        (("--grid", 6), "--players: got 36 players, but it must be at most 22, or 30 with --plain"),
        (("--grid", 5), "--players: got 25 players, but it must be at most 22"),
        (("--grid", 6, "--plain"), "--players: got 36 players"),
        (("--players", "r1c1,r4c0"), "--players: got r4c0, but it must be patches from r0c0 to r3c3"),
        (("--players", "r1c1,r1c1"), "--players: got r1c1,r1c1, but it must be without repetition"),
        (("--players", ""), "--players: got , but it must be patches from"),
        ((*TUMOURS, "--players", "area,mass"), "--players: got mass, but it must be one of radius,"),
        ((*TUMOURS, "--players", "area,3"), "--players: got area,3, but it must be without repetition"),
        ((*TUMOURS, "--grid", 2), "--grid: got 2x2, but it must be left out"),
        ((*TUMOURS, "--baseline", "mean"), "--baseline: got mean, but it must be a number or a .npy file"),
        ((*TUMOURS, "--target", 2), "target: got 2, but it must be a class from 0 to 1"),
        (("--baseline", "nan"), "--baseline: got nan, but it must be finite"),
        (("--baseline", "none.npy"), "--baseline: got none.npy, but it must be a .npy file that exists"),
        (("--kind", "image"), "--kind: got image, but it must be left out"),
    ],
)
def test_options_that_the_demo_cannot_use(options: tuple[object, ...], words: str, explain: Command) -> None:
    refused(explain(*options), words)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (OWN_TABLE[:2], "--sample: got nothing, but it must be given with --model"),
        (OWN_TABLE[2:], "--model: got nothing, but it must be given with --sample"),
        (
            (*OWN_TABLE, "--sample", "none.npy"),
            "--sample: got none.npy, but it must be a .npy file that exists",
        ),
        ((*OWN_TABLE, "--sample", "{table_model}"), "an archive, but it must be a .npy file of one array"),
        ((*OWN_TABLE, "--model", "none.pt2"), "--model: got none.pt2, but it must be a file that exists"),
        ((*OWN_TABLE, "--model", "{table}"), "a TorchScript file (torch.jit.save) or an exported program"),
        ((*OWN_TABLE, "--sample", "{image}"), "--sample: got shape (3, 12, 10), dtype float32, but it must"),
        ((*OWN_TABLE, "--sample", "{image}", "--kind", "tabular"), "--players: got 360 players"),
        ((*OWN_TABLE, "--grid", 2), "--grid: got 2x2, but it must be left out"),
        ((*OWN_TABLE, "--players", "x4"), "--players: got x4, but it must be one of x0, x1, x2, x3, or"),
        ((*OWN_TABLE, "--target", 3), "target: got 3"),
        ((*OWN_TABLE, "--baseline", "{image}"), "baseline: got shape (3, 12, 10)"),
        ((*OWN_TABLE, "--index", 0), "--index: got 0, but it must be left out"),
        ((*OWN_TABLE, "--no-cache"), "--no-cache: got True"),
        (
            (*OWN_TABLE, "--model", "{one_row_model}", "--batch-size", 4),
            "--batch-size: got 4, but it must be 1",
        ),
        (
            (*OWN_TABLE, "--model", "{scripted_model}", "--sample", "{image}"),
            "--sample: got shape (3, 12, 10)",
        ),
        ((*OWN_IMAGE, "--sample", "{table}"), "--sample: got shape (4,), dtype float64"),
        ((*OWN_IMAGE, "--sample", "{table}", "--kind", "image"), "sample: got shape (4,), but it must be"),
    ],
)
def test_files_and_options_that_do_not_fit(
    options: tuple[object, ...], words: str, files: Files, explain: Command
) -> None:
    refused(explain(*(str(option).format(**files._asdict()) for option in options)), words)


def test_damaged_and_foreign_model_files(files: Files, explain: Command, tmp_path: Path) -> None:
    whole = files.table_model.read_bytes()
    for name, content in {
        "short.pt2": whole[: len(whole) // 2],
        "damaged.pt2": whole.replace(b"serialization", b"serialisation").replace(b"{", b"("),
        "empty.pt": b"",
        "folder.pt": None,
    }.items():
        path = tmp_path / name
        if content is None:
            path.mkdir()
        else:
            path.write_bytes(content)
        refused(explain("--model", path, "--sample", files.table), f"--model: got {path}")
    torch.save(files.networks[files.table_model].state_dict(), tmp_path / "weights.pt")
    refused(
        explain("--model", tmp_path / "weights.pt", "--sample", files.table),
        "weights or a pickled object (torch.save)",
    )


def test_arrays_that_are_no_samples(files: Files, explain: Command, tmp_path: Path) -> None:
    np.save(tmp_path / "words.npy", np.array(["a"]))
    refused(
        explain("--model", files.table_model, "--sample", tmp_path / "words.npy"), "an array of real numbers"
    )
    (tmp_path / "short.npy").write_bytes(files.table.read_bytes()[:-4])
    refused(
        explain("--model", files.table_model, "--sample", tmp_path / "short.npy"),
        "--sample",
        "a readable .npy file",
    )
    np.save(tmp_path / "objects.npy", np.array([{}], dtype=object), allow_pickle=True)
    refused(
        explain("--model", files.table_model, "--sample", tmp_path / "objects.npy"), "a readable .npy file"
    )


def test_not_a_number_from_the_network_names_the_subset(explain: Command, tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        rows = ({0: torch.export.Dim("rows", min=1, max=1 << 20)},)
        torch.export.save(
            torch.export.export(Shaky(), (torch.ones(2, 3),), dynamic_shapes=rows), tmp_path / "shaky.pt2"
        )
    np.save(tmp_path / "sample.npy", np.ones(3, np.float32))
    result = explain(
        "--model", tmp_path / "shaky.pt2", "--sample", tmp_path / "sample.npy", "--baseline", "-1"
    )
    refused(result, "nan for subset 0 (players: none)")
    assert list(result.folder.iterdir()) == []


def test_a_folder_that_cannot_be_written(
    explain: Command, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    for folder in (tmp_path / "file", tmp_path / "file" / "below"):
        code = main(["explain", *map(str, TUMOURS), "--output-dir", str(folder)])
        assert code == 2
        assert f"--output-dir: got {folder} (" in capsys.readouterr().err


def test_a_missing_package_is_named_with_its_extra(explain: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rich", None)
    refused(explain(*TUMOURS), 'harsanyi explain needs rich: pip install "harsanyi[demo]"')


def test_an_interrupt_ends_with_130(explain: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*args: object, **kwargs: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("harsanyi.explanation.evaluate", interrupted)
    result = explain(*TUMOURS)
    assert result.code == 130
    assert result.err == "harsanyi explain: interrupted\n"


@pytest.mark.parametrize(
    ("argv", "code", "words"),
    [
        (["--version"], 0, f"harsanyi {hs.__version__}"),
        (["--help"], 0, "explain"),
        (["explain", "--help"], 0, "--model"),
        ([], 2, "command"),
        (["guess"], 2, "guess"),
        (["explain", "--data", "cifar"], 2, "cifar"),
        (["explain", "--top", "0"], 2, "0 is not at least 1"),
        (["explain", "--batch-size", "many"], 2, "--batch-size"),
        (["explain", "--grid", "4x0"], 2, "--grid"),
        (["explain", "--grid", "axb"], 2, "--grid"),
        (["explain", "--noise", "-0.1"], 2, "-0.1 is not a number from 0 up"),
        (["explain", "--gap", "inf"], 2, "inf is not a number from 0 up"),
        (["explain", "--gap", "small"], 2, "--gap"),
    ],
)
def test_the_parser_answers_by_itself(
    argv: list[str], code: int, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(argv)
    assert stopped.value.code == code
    assert words in "".join(capsys.readouterr())


def test_every_command_of_the_parser_runs_a_function() -> None:
    from harsanyi.cli import _parser

    [subparsers] = [a for a in _parser()._actions if isinstance(a, argparse._SubParsersAction)]
    assert list(subparsers.choices) == ["explain", "reproduce", "bench", "info"]
    assert all(callable(parser.get_default("run")) for parser in subparsers.choices.values())


def test_asking_for_help_imports_neither_torch_nor_matplotlib() -> None:
    import subprocess

    program = """
import sys
from harsanyi.cli import main
try:
    main(["explain", "--help"])
except SystemExit:
    pass
assert not {"torch", "matplotlib", "rich", "sklearn"} & set(sys.modules), "imported too early"
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
