"""The second stream of simulated films: what is known of a film is true, and every structure can be left out."""

import dataclasses
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from helpers import ROOT

from data_samples import simulate
from data_samples.simulator import DISEASES, collection, devices, film, illness, patient, thorax
from data_samples.simulator.films import taken

ALWAYS = ["spine", "ribs", "clavicles", "shoulder blades", "upper arms", "vessels", "hila", "airways", "heart",
          "mottle", "letters", "jpeg"]


def grey(made):
    return made.pixels.astype(int)


def test_a_film_repeats_and_another_film_of_the_subject_differs():
    subject = patient(seed=3, number=2)
    first, second = film(subject, 1, 64), film(subject, 2, 64)
    assert first.pixels.shape == first.mask.shape == (64, 64)
    assert first.pixels.dtype == np.uint8 and first.mask.dtype == bool
    assert np.array_equal(first.pixels, film(subject, 1, 64).pixels)
    assert np.abs(grey(first) - grey(second)).mean() > 3


def test_the_label_decides_the_illness_and_nothing_else_of_the_subject():
    well, ill = (patient(3, 5, label) for label in ("normal", "viral"))
    assert dataclasses.replace(ill, label="normal") == well
    for label in DISEASES:
        made = film(patient(3, 5, label), 1, 64)
        assert (made.severity > 0) == (label != "normal") == (made.zones.max() > 0)
        assert made.mask.any() or made.severity < 0.1
    with pytest.raises(ValueError, match="'fungal'.*'normal', 'bacterial', 'viral'"):
        patient(3, 5, "fungal")


def test_lesions_are_the_brighter_part():
    differences = []
    for number in range(12):
        ill = patient(4, number, "bacterial")
        made = film(ill, 1, 64)
        well = film(dataclasses.replace(ill, label="normal"), 1, 64)
        if made.mask.sum() > 30:
            change = grey(made) - grey(well)
            differences.append(change[made.mask].mean() - change[~made.mask].mean())
    assert len(differences) >= 6 and np.mean(differences) > 8 and min(differences) > -5


def test_a_consolidation_stays_in_its_lobe():
    t, v = np.meshgrid(np.linspace(0, 1.1, 60), np.linspace(-1, 1, 40))
    names = list(illness.LOBES)
    for side in ("right upper", "right middle", "right lower"), ("left upper", "lingula", "left lower"):
        whole = sum(illness.in_lobe(names.index(name), t, v, 0.5) for name in side)
        assert np.allclose(whole, 1), "the lobes of a lung fill it and do not overlap"
    assert illness.in_lobe(names.index("right upper"), np.array(0.9), np.array(0.5), 0.5) == 0
    assert illness.in_lobe(names.index("right middle"), np.array(0.3), np.array(0.8), 0.5) == 0


def test_consolidation_erases_the_border_of_the_heart_that_it_touches():
    subject = patient(3, 1, "bacterial")
    pose = taken(subject)[0]
    frame = thorax.Frame(dataclasses.replace(pose, turn=0.0, lean=0.0, roll=0.0), 128)
    lung, cage = thorax.lungs(subject, frame)
    beyond = (-frame.x - thorax.heart_borders(subject, frame)[0]) / subject.width
    level = (frame.y > 0.75 * pose.dome(subject)) & (frame.y < 0.90 * pose.dome(subject))
    step = {}
    for lobe in "right middle", "right lower":
        whole = dataclasses.replace(
            illness.draw_illness(subject), pattern="lobar", side=np.array([-1]), centre=np.array([[0.4, 0.8, 0.0]]),
            radius=np.full((1, 3), 9.0), lobe=np.array([list(illness.LOBES).index(lobe)]), softness=np.array([0.1]),
            fill=np.array([1.0]), ragged=0.0, patchy=0.0, bronchi=0.0, plates=0.0, effusion=(0.0, 0.0))
        air = lung * (1 - illness.shadows(subject, whole, frame, lung, cage)[0])
        step[lobe] = air[level & (abs(beyond - 0.06) < 0.04)].mean() - air[level & (abs(beyond + 0.06) < 0.04)].mean()
    healthy = lung[level & (abs(beyond - 0.06) < 0.04)].mean() - lung[level & (abs(beyond + 0.06) < 0.04)].mean()
    assert step["right middle"] < 0.6 * healthy and step["right middle"] < step["right lower"], (step, healthy)


@pytest.mark.parametrize("name", ALWAYS)
def test_a_structure_can_be_left_out_and_the_rest_stays(name):
    subject = patient(3, 1, "viral")
    whole, less = film(subject, 1, 64), film(subject, 1, 64, without={name})
    assert np.abs(grey(whole) - grey(less)).max() > 3
    assert np.array_equal(whole.zones, less.zones) or name == "heart"


def test_what_few_have_comes_at_its_rate_and_never_after_the_label():
    found = dict.fromkeys(devices.DEVICES, 0)
    for number in range(250):
        subject = patient(6, number)
        frame = thorax.Frame(taken(subject)[0], 24)
        for name, draw in devices.DEVICES.items():
            path = draw(subject, frame, 1)
            found[name] += bool(path.any())
            if path.any():
                other = dataclasses.replace(subject, label="normal" if subject.label != "normal" else "viral")
                assert np.array_equal(path, draw(other, frame, 1)), name
    assert all(0 < count < 80 for count in found.values()), found


def test_nothing_in_the_body_is_pure_white():
    metal = ("letters", "collimation", *devices.DEVICES)
    for number in range(40):
        assert film(patient(12, number), 1, 64, without=metal).pixels.max() < 255


def test_an_unknown_structure_is_named():
    with pytest.raises(ValueError, match="wings; known are spine, ribs"):
        film(patient(3, 1), without={"wings"})


def test_age_changes_the_chest():
    subjects = [patient(7, number) for number in range(300)]
    ages = np.array([subject.age for subject in subjects])
    assert 0.3 < (ages < 15).mean() < 0.7 and ages.max() > 70 and ages.min() < 1.5
    widths = np.array([subject.width for subject in subjects])
    assert np.corrcoef(ages[ages < 15], widths[ages < 15])[0, 1] > 0.8


def test_the_streams_share_no_patient():
    for number in range(5):
        assert patient(simulate.SEED, number).age != simulate.draw_patient(simulate.SEED, number).age


def test_a_collection_does_not_depend_on_the_number_of_processes(tmp_path):
    table, made = collection.generate(4, seed=6, size=64, processes=1)
    again, _ = collection.generate(4, seed=6, size=64, folder=tmp_path, processes=2)
    assert table.equals(again) and len(made) == 4
    written = pd.read_csv(tmp_path / "metadata.csv")
    assert list(written) == collection.COLUMNS and all((tmp_path / path).is_file() for path in written["path"])
    assert ((written["severity"] > 0) == (written["label"] != "normal")).all()


def test_the_command_says_what_it_can_leave_out():
    command = [sys.executable, "-m", "data_samples.simulator", "--n", "1", "--out", "x", "--without", "wings"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 2 and "wings: known are spine" in done.stderr


def test_one_collection_cannot_be_told_from_itself():
    from tools import compare_real

    images = compare_real.shrunk([film(patient(8, number), 1, 64).pixels for number in range(44)])
    assert compare_real.told_apart(images[::2], images[1::2], 1)[0] < 0.8
    assert compare_real.spectrum(images).sum() == pytest.approx(1)
    rows = {row[0]: row[1] for row in compare_real.compare(images[::2], images[::2])}
    assert rows["distance of the grey-level histograms, grey levels"] == 0
    assert rows["local contrast in the lungs, simulated to real"] == 1


def test_pre_training_disguises_films_and_fits_its_size():
    import tensorflow as tf

    from tools import pretrain

    kept, model = pretrain.build()
    assert kept.count_params() < 2_000_000 and kept.output_shape == (None, 3)
    assert kept.get_layer("features").output.shape == (None, 336) and set(model.output) == set(pretrain.WEIGHTS)
    made = [film(patient(8, number, "bacterial"), 1, pretrain.SIZE) for number in range(4)]
    images = np.stack([each.pixels for each in made])[..., None]
    lesions = np.stack([each.mask for each in made]).astype(np.float32)
    lesions = lesions.reshape(4, 12, 8, 12, 8).mean((2, 4))[..., None]

    def disguised(k, without=()):
        made = pretrain.disguise(tf.constant(images), tf.constant(lesions), tf.constant([1, k]), without)
        return [each.numpy() for each in made]

    (first, where), (again, _), (other, _) = disguised(0), disguised(0), disguised(1)
    assert np.array_equal(first, again) and np.abs(first - other).mean() > 3
    assert first.shape == images.shape and where.shape == lesions.shape and first.min() >= 0 and first.max() <= 255
    bare, still = disguised(0, ("grey", "patches", "place", "detail"))
    assert np.allclose(bare, images, atol=1e-3) and np.array_equal(still, lesions)
    coarse = disguised(0, ("grey", "patches", "place"))[0]  # the first quarter is shown with 28 pixels of detail
    steps = [np.abs(np.diff(film.astype(float), axis=1)).mean() for film in (coarse[0], images[0])]
    assert steps[0] < 0.8 * steps[1]


def test_pre_training_ingredients_can_be_left_out():
    from tools import pretrain

    for name in pretrain.INGREDIENTS:
        kept, model = pretrain.build((name,))
        assert set(model.output) == ({"class"} if name == "tasks" else set(pretrain.WEIGHTS))
        width = kept.get_layer("features").output.shape[1]
        assert width == (192 if name == "levels" else 336)


@pytest.mark.slow
def test_pre_training_goes_on_where_it_was_interrupted(tmp_path, monkeypatch):
    from tools import pretrain

    def run(folder):
        monkeypatch.setattr(sys, "argv", ["pretrain.py", "--out", str(folder), "--films", "64", "--epochs", "2"])
        assert pretrain.main() == 0
        return pd.read_csv(folder / "history.csv")

    straight = run(tmp_path / "straight")
    calls, measured = [], pretrain.measured

    def stopped(*args):
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return measured(*args)

    (tmp_path / "again").mkdir()
    for part in (tmp_path / "straight").glob("films_*.npz"):
        (tmp_path / "again" / part.name).write_bytes(part.read_bytes())
    monkeypatch.setattr(pretrain, "measured", stopped)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "again")
    assert len(pd.read_csv(tmp_path / "again" / "history.csv")) == 1
    resumed = run(tmp_path / "again")
    pd.testing.assert_frame_equal(resumed.drop(columns="seconds"), straight.drop(columns="seconds"), rtol=1e-3)
