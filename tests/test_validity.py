"""validity.csv, from which notebook 08 reads its ten seeds: it is complete, and it belongs to the stored notebook."""

import importlib.util
import re

import nbformat
import numpy as np
import pandas as pd
import pytest
from helpers import ROOT

NOTEBOOK = ROOT / "notebooks" / "08_validity_lab.ipynb"


@pytest.fixture(scope="module")
def make_validity():
    spec = importlib.util.spec_from_file_location("make_validity", ROOT / "tools" / "make_validity.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def table():
    return pd.read_csv(ROOT / "notebooks" / "results" / "validity.csv")


def test_all_cases_were_measured_with_all_seeds(table, make_validity):
    assert list(table) == ["case", "what", "wrong", "right", "seed"]
    assert sorted(set(table["case"])) == list(range(1, 9))
    assert not table.isna().any().any() and not table.duplicated(["case", "what", "seed"]).any()
    seeds = table.groupby(["case", "what"])["seed"].agg(set)
    assert (seeds == set(make_validity.SEEDS)).all() and len(make_validity.SEEDS) == 10
    assert table[["wrong", "right"]].stack().between(0, 1).all()


def test_the_stored_live_seed_is_a_row_of_the_table(table):
    """Where nothing is trained the notebook shows, for seed 0, what the table holds."""
    shown = "\n".join(
        output.get("text", "") for cell in nbformat.read(NOTEBOOK, as_version=4).cells if cell.cell_type == "code"
        for output in cell.outputs
    )  # fmt: skip
    rows = table[(table["seed"] == 0) & table["case"].isin([2, 3, 7])]
    assert len(rows) >= 8
    for row in rows.itertuples():
        live = re.search(rf"one seed, live\n(?:.*\n)*?{re.escape(row.what)} +([\d.]+) +([\d.]+)", shown)
        assert live, row.what
        assert np.allclose([float(live[1]), float(live[2])], [row.wrong, row.right], atol=0.01), row.what


def test_only_the_cases_are_run_again(make_validity):
    whole = nbformat.read(NOTEBOOK, as_version=4)
    n = len(whole.cells)
    kept = make_validity.cases(whole).cells
    assert 0 < len(kept) < n and "to_csv(out_dir" in kept[-1].source
    text = "\n".join(cell.source for cell in kept)
    assert all(f"## Case {case}:" in text for case in range(1, 9))
    assert "## Explaining" not in text and "BEGIN SOLUTION" not in text
