"""The simulator as a learner calls it: what is asked for is what the film shows, and what cannot be is refused."""

import dataclasses

import numpy as np
import pytest

from data_samples.simulator import DISEASES, SWITCHES, ZONES, film, patient, patients, thorax
from data_samples.simulator.films import taken
from data_samples.simulator.illness import LOBES

ILL = patient(seed=7, disease="bacterial", severity=0.4, age=6)


def test_a_film_has_its_truth_with_it():
    made = film(ILL, dose=1.0, kvp=80, rotation=3, view="PA", breath=0.9, size=96)
    assert made._fields == ("pixels", "clean", "mask", "severity", "zones")
    assert made.pixels.shape == made.clean.shape == made.mask.shape == (96, 96)
    assert made.pixels.dtype == made.clean.dtype == np.uint8 and made.mask.dtype == bool
    assert made.zones.shape == (6,) == (len(ZONES),) and ((0 <= made.zones) & (made.zones <= 1)).all()
    assert made.zones.min() <= made.severity <= made.zones.max()
    assert np.array_equal(made.pixels, film(ILL, 1, 96, 1.0, 80, 3, "PA", 0.9).pixels)


@pytest.mark.parametrize("severity", [0, 0.01, 0.1, 0.4, 0.7, 1.0])
@pytest.mark.parametrize("disease", DISEASES[1:])
def test_the_severity_is_the_one_that_was_asked_for(disease, severity):
    for seed in range(3):
        made = film(patient(seed, disease=disease, severity=severity), size=64)
        assert made.severity == pytest.approx(severity, abs=0.004 + 0.1 * severity)
        assert made.mask.any() or severity <= 0.01


@pytest.mark.parametrize("place", LOBES)
@pytest.mark.parametrize("disease", DISEASES[1:])
def test_the_disease_is_in_its_place(disease, place):
    made = film(patient(3, disease=disease, severity=0.05, place=place), size=64)
    left = place.startswith("left") or place == "lingula"
    other_side = made.zones[:3] if left else made.zones[3:]
    assert other_side.max() < 0.002 and made.severity > 0.04
    upper, _, lower = made.zones[3:] if left else made.zones[:3]
    assert upper > lower if "upper" in place else lower > upper


def test_a_place_that_cannot_hold_the_severity_says_how_much_it_can():
    with pytest.raises(ValueError, match="0.6 does not fit in 'lingula', which holds 0.[01][0-9]* of the lungs"):
        patient(7, disease="bacterial", severity=0.6, place="lingula")


def test_age_chooses_the_body_and_the_hospital():
    for age in (0, 0.5, 6, 15.5, 30, 100):
        made = patient(seed=2, age=age)
        assert made.age == age
        assert film(made, size=64).pixels.std() > 15
    assert patient(2, age=3).width < patient(2, age=30).width
    assert patient(2, sex="F").sex == "F" and patient(2, hospital=9).site == "9"


def test_less_dose_is_more_noise_around_the_same_clean_film():
    noise = []
    for dose in (0.03, 0.3, 3, 30):
        made = film(ILL, dose=dose, without="jpeg")
        noise.append(np.std(made.pixels.astype(float) - made.clean))
        assert np.array_equal(made.clean, film(ILL, dose=3).clean)
    assert noise == sorted(noise, reverse=True) and noise[0] > 4 * noise[2]


def test_a_higher_voltage_shows_less_of_the_bones():
    well = patient(seed=7, disease="normal", age=40)
    shown = []
    for kvp in (50, 80, 140):
        bony, bare = (film(well, kvp=kvp, without=("jpeg", *less)).clean.astype(float) for less in ((), thorax.BONES))
        shown.append(np.abs(bony - bare).mean())
    assert shown == sorted(shown, reverse=True)


def test_rotation_view_and_breath_are_those_asked_for():
    pose, *_ = taken(ILL, rotation=-5, view="AP", breath=0.2)
    assert (pose.turn, pose.view, pose.breath) == (pytest.approx(-5 * np.pi / 180), "AP", 0.2)
    wide = [thorax.heart_size(ILL, taken(ILL, view=view)[0]) for view in ("PA", "AP")]
    assert wide[0] < wide[1]
    domes = [taken(ILL, breath=breath)[0].dome(ILL) for breath in (0, 1)]
    assert domes[0] < domes[1]


@pytest.mark.parametrize("bad, words", [
    ({"disease": "fungal"}, "disease 'fungal': possible are 'normal', 'bacterial', 'viral'"),
    ({"disease": 3}, "disease 3: possible are 'normal'"),
    ({"disease": "viral", "severity": 1.2}, "severity 1.2: it is a number from 0 to 1"),
    ({"disease": "viral", "severity": -0.1}, "severity -0.1: it is a number from 0 to 1"),
    ({"disease": "viral", "severity": float("nan")}, "severity nan: it is a number from 0 to 1"),
    ({"disease": "viral", "severity": "much"}, "severity 'much': it is a number from 0 to 1"),
    ({"severity": 0.3}, "disease None .* give 'bacterial' or 'viral'"),
    ({"disease": "normal", "severity": 0.3}, "disease 'normal' .* give 'bacterial' or 'viral'"),
    ({"disease": "normal", "place": "lingula"}, "disease 'normal' .* give 'bacterial' or 'viral'"),
    ({"disease": "viral", "place": "spleen"}, "place 'spleen': possible are 'right upper', .* 'left lower'"),
    ({"age": -1}, "age -1: it is a number from 0 to 100"),
    ({"age": True}, "age True: it is a number from 0 to 100"),
    ({"sex": "x"}, "sex 'x': possible are 'F', 'M'"),
    ({"hospital": 60}, "hospital 60: it is a whole number from 0 to 59"),
    ({"seed": -1}, "seed -1: it is a whole number from 0"),
    ({"seed": 1.5}, "seed 1.5: it is a whole number from 0"),
    ({"number": -3}, "number -3: it is a whole number from 0"),
])  # fmt: skip
def test_an_impossible_patient_is_refused(bad, words):
    with pytest.raises(ValueError, match=words):
        patient(**{"seed": 7} | bad)


@pytest.mark.parametrize("bad, words", [
    ({"dose": -1}, "dose -1: it is a number from 0.01 to 100"),
    ({"dose": 0}, "dose 0: it is a number from 0.01 to 100"),
    ({"kvp": 500}, "kvp 500: it is a number from 50 to 150"),
    ({"size": 63}, "size 63: it is a whole number from 64 to 2048"),
    ({"size": 100.5}, "size 100.5: it is a whole number from 64 to 2048"),
    ({"rotation": 90}, "rotation 90: it is a number from -30 to 30"),
    ({"view": "lateral"}, "view 'lateral': possible are 'PA', 'AP'"),
    ({"breath": 1.1}, "breath 1.1: it is a number from 0 to 1"),
    ({"image": 0}, "image 0: it is a whole number from 1"),
    ({"without": "wings"}, "wings; known are spine, ribs"),
    ({"without": {"wings", "ribs"}}, "wings; known are spine, ribs"),
    ({"patient": 7}, r"patient 7: give what `patient` returned"),
])  # fmt: skip
def test_an_impossible_film_is_refused(bad, words):
    with pytest.raises(ValueError, match=words):
        film(**{"patient": ILL} | bad)


def test_what_can_be_left_out_is_named_in_the_package():
    assert {"ribs", "heart", "jpeg"} < set(SWITCHES)
    assert [field.name for field in dataclasses.fields(patients.Subject)][-2:] == ["severity", "place"]
