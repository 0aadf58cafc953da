"""Grad-CAM, occlusion, and the way from cells to pixels; on simulated films with known lesions, what maps find."""

import numpy as np
import pytest

import dhl_helpers as dhl
from data_samples import simulate, variants
from dhl_helpers._keras import keras


def spotter(padding="valid"):
    """A network for which class 1 is the likelier, the more bright pixels it sees."""
    layers = keras.layers
    net = keras.Sequential([
        keras.Input((60, 60, 1)), layers.Rescaling(1 / 255), layers.Conv2D(1, 5, activation="relu", padding=padding),
        layers.MaxPooling2D(2), layers.Conv2D(1, 3, activation="relu", padding=padding), layers.Flatten(),
        layers.Dense(2, activation="softmax"),
    ])  # fmt: skip
    for layer in net.layers:
        if isinstance(layer, keras.layers.Conv2D):
            layer.set_weights([np.full_like(weight, 0.2 if weight.ndim > 1 else 0) for weight in layer.get_weights()])
    kernel, bias = net.layers[-1].get_weights()
    net.layers[-1].set_weights([np.zeros_like(kernel) + [[-0.01, 0.01]], bias])
    return net


def spots(*centres):
    """A black image (60, 60, 1) each with a bright square of 7 pixels around (row, column)."""
    images = np.zeros((len(centres), 60, 60, 1), np.uint8)
    for image, (row, column) in zip(images, centres, strict=True):
        image[row - 3 : row + 4, column - 3 : column + 4] = 255
    return images


def peaks(maps):
    return [np.unravel_index(each.argmax(), each.shape) for each in maps]


@pytest.mark.parametrize("padding", ["valid", "same"])
def test_grad_cam_points_at_what_speaks_for_the_class(padding):
    places = [(20, 20), (40, 15), (30, 42)]
    maps = dhl.grad_cam(spotter(padding), spots(*places), 1)
    assert maps.shape == (3, 60, 60) and maps.dtype == np.float32 and (maps >= 0).all()
    assert np.abs(np.array(peaks(maps)) - places).max() <= 3
    assert dhl.grad_cam(spotter(padding), spots(*places), 0).max() == 0, "nothing speaks for the other class"


def test_a_cell_lies_where_it_looks():
    net = spotter()
    rows, columns = net.layers[3].output.shape[1:3]
    cells = np.zeros((2, rows, columns))
    cells[0, 0, 0] = cells[1, 5, 20] = 1
    # 5 x 5 convolution without padding: +2; pooling: +0.5 and steps of 2; 3 x 3 convolution: +2
    expected = [(4.5, 4.5), (4.5 + 2 * 5, 4.5 + 2 * 20)]
    maps = dhl.to_pixels(cells, net, net.layers[3].name)
    for each, (row, column) in zip(maps, expected, strict=True):
        at = np.argwhere(each > 0.5 * each.max())
        assert np.allclose(at.mean(0), (row, column))
    assert maps[0, 30, 30] == 0 and maps[1, 0, 0] == 0


def test_to_pixels_keeps_a_flat_map_flat_inside():
    net = spotter()
    rows, columns = net.layers[3].output.shape[1:3]
    flat = dhl.to_pixels(np.ones((1, rows, columns)), net, net.layers[3].name)
    assert np.allclose(flat[0, 5:50, 5:50], 1) and flat[0, 0, 0] < 1


def test_occlusion_finds_what_the_prediction_rests_on():
    places = [(20, 20), (40, 15), (30, 42)]
    images = spots(*places)
    maps = dhl.occlusion(lambda x: x[..., 0].mean(axis=(1, 2)) / 255, images, patch=12, step=4)
    assert maps.shape == (3, 60, 60) and maps.dtype == np.float32
    assert np.abs(np.array(peaks(maps)) - places).max() <= 6
    assert np.allclose(maps[:, 55, 55], maps[:, 55, 55].min()), "far from the square nothing is lost"


def test_occlusion_takes_several_scores_and_another_cover():
    images = spots((30, 30))
    score = lambda x: np.column_stack([x.mean(axis=(1, 2, 3)), -x.mean(axis=(1, 2, 3))])  # noqa: E731
    both = dhl.occlusion(score, images, cover=np.zeros((1, 1, 1, 1), np.uint8), patch=10, step=5)
    assert both.shape == (1, 60, 60, 2) and np.allclose(both[..., 0], -both[..., 1])
    assert np.unravel_index(both[0, ..., 0].argmax(), (60, 60)) == pytest.approx((30, 30), abs=6)
    assert both[0, 0, 0, 0] == 0, "black covered by black changes nothing"


def test_occlusion_covers_every_pixel_also_when_steps_do_not_fit():
    seen = []
    images = np.full((1, 50, 41, 1), 200, np.uint8)

    def predict(x):
        seen.append(x[0, :, :, 0] == 0)
        return x.mean(axis=(1, 2, 3))

    maps = dhl.occlusion(predict, images, cover=0, patch=16, step=9)
    assert np.any(seen, axis=0).all() and np.isfinite(maps).all()
    assert (images == 200).all(), "the images stay as they are"


def test_errors_say_what_is_wrong():
    net, images = spotter(), spots((30, 30))
    with pytest.raises(dhl.DataError, match="no class 2; this network has classes 0 to 1"):
        dhl.grad_cam(net, images, 2)
    with pytest.raises(dhl.DataError, match="has no layer 'dense' with maps; those with maps: rescaling.*conv2d"):
        dhl.grad_cam(net, images, 1, "dense")
    with pytest.raises(dhl.DataError, match="has no layer 'Conv2D' with maps"):
        dhl.grad_cam(keras.Sequential([keras.Input((4, 4, 1)), keras.layers.Flatten()]), images[:, :4, :4], 1)
    with pytest.raises(dhl.DataError, match=r"shape \(1, 2, 2\); those of layer .* have \(n, 26, 26\)"):
        dhl.to_pixels(np.ones((1, 2, 2)), net, net.layers[3].name)
    for patch, step in ((70, 8), (8, 9), (8, 0)):
        with pytest.raises(dhl.DataError, match="1 <= step <= patch <= 60 pixels are needed"):
            dhl.occlusion(lambda x: x.mean(axis=(1, 2, 3)), images, patch=patch, step=step)


def test_a_burnt_in_text_goes_with_the_class_as_asked():
    sick = np.arange(4000) % 2 == 0
    for link in (0.5, 0.9, 1.0):
        agree = variants.linked(sick, link, np.random.default_rng(0)) == sick
        assert agree.mean() == pytest.approx(link, abs=0.03)
    images = np.full((2, 96, 96, 1), 40, np.uint8)
    marked = variants.burn_in(images, np.array([True, False]))
    assert (marked[1] == 40).all() and (images == 40).all() and marked.dtype == np.uint8
    rows, columns = np.nonzero(marked[0, :, :, 0] != 40)
    assert rows.max() < 20 and columns.min() > 50 and marked[0].max() > 200


def test_repeated_films_of_a_patient_are_alike_and_others_are_not():
    """Also: the healthy have no lesion, and the number of processes does not matter."""
    patients = [(3, number, label, "A") for number, label in enumerate(("bacterial", "normal", "viral"))]
    films, masks = variants.films(patients, per_patient=2, size=64, repeated=True, processes=1)
    assert films.shape == (6, 64, 64, 1) and films.dtype == np.uint8 and masks.shape == (6, 64, 64)
    assert masks[[0, 1, 4, 5]].any((1, 2)).all() and not masks[2:4].any()
    flat = films.reshape(6, -1).astype(float)
    alike = np.corrcoef(flat)
    within, between = (alike[0, 1], alike[2, 3], alike[4, 5]), (alike[0, 2], alike[0, 4], alike[2, 4])
    assert min(within) > 0.9 and min(within) > max(between)
    again, _ = variants.films(patients, per_patient=2, size=64, repeated=True, processes=2)
    assert np.array_equal(films, again)


def test_occlusion_finds_known_lesions_more_often_than_chance():
    """A score that measures haze where a sick patient differs from the same patient in health: its map must hit."""
    from dataclasses import replace

    hits, chance = [], []
    for number in range(6):
        sick = simulate.draw_patient(41, number, "bacterial", "A")
        film, mask = simulate.render(sick, size=64)
        healthy, _ = simulate.render(replace(sick, label="normal"), size=64)
        differs = np.maximum(film.astype(float) - healthy, 0)[None, :, :, None]
        haze = lambda x, d=differs: (x * d).mean(axis=(1, 2, 3))  # noqa: E731
        maps = dhl.occlusion(haze, film[None, :, :, None], cover=0, patch=8, step=4)
        hits.append(mask[peaks(maps)[0]])
        chance.append(mask.mean())
    assert np.mean(hits) >= 0.8 > 2 * np.mean(chance)


def looked_at(net, layer, axis):
    """The middle of the pixels on which each cell depends along an axis, NaN where the border cuts them off."""
    side = net.input_shape[1 + axis]
    lines = np.zeros((side, *net.input_shape[1:]), np.float32)  # an image for each row or column, bright there alone
    np.moveaxis(lines, 1 + axis, 1)[np.arange(side), np.arange(side)] = 1
    maps = np.asarray(keras.Model(net.inputs[0], net.get_layer(layer).output)(lines))
    seen = (maps != 0).any((2 - axis, 3)).T  # cells, then pixels
    ends = np.array([np.flatnonzero(each)[[0, -1]] for each in seen])
    whole = np.ptp(ends, axis=1) == np.ptp(ends, axis=1).max()
    return np.where(whole, ends.mean(1), np.nan)


def one_layer(kind, kernel, stride, padding):
    if kind == "pooling":
        return keras.layers.AveragePooling2D(kernel, stride, padding)
    dilation = 2 if kind == "dilated" else 1
    return keras.layers.Conv2D(1, kernel, stride, padding, dilation_rate=dilation, kernel_initializer="ones")


KINDS = [("convolution", kernel, stride) for kernel in (1, 2, 3, 4, 5, 7) for stride in (1, 2, 3)]
KINDS += [("pooling", kernel, stride) for kernel in (2, 3, 4) for stride in (1, 2, 3)]
KINDS += [("dilated", kernel, 1) for kernel in (2, 3, 5)]
CHAINS = [[each] for each in KINDS]
CHAINS += [[KINDS[i] for i in np.random.default_rng(seed).integers(0, len(KINDS), 2)] for seed in range(12)]
CHAINS += [[("convolution", (3, 5), (2, 1)), ("pooling", (2, 3), (1, 2))]]


@pytest.mark.parametrize(("padding", "sides"), [("valid", (28, 29)), ("same", (28, 29)), ("same", (31, 30))])
def test_each_cell_is_put_in_the_middle_of_the_pixels_that_it_depends_on(padding, sides):
    for chain in CHAINS:
        layers = [one_layer(*each, padding) for each in chain]
        net = keras.Sequential([keras.Input((*sides, 1)), *layers])
        name, (rows, columns) = layers[-1].name, layers[-1].output.shape[1:3]
        for axis, cells in ((0, rows), (1, columns)):
            single = np.zeros((cells, rows, columns))
            single[np.arange(cells), np.arange(cells) if axis == 0 else 0, 0 if axis == 0 else np.arange(cells)] = 1
            along = dhl.to_pixels(single, net, name).sum(2 - axis)
            middle = (along * np.arange(sides[axis])).sum(1) / along.sum(1)
            expected = looked_at(net, name, axis)
            inside = (along[:, 0] == 0) & (along[:, -1] == 0) & ~np.isnan(expected)
            assert inside.any() and np.allclose(middle[inside], expected[inside], atol=1e-4), (chain, axis)


def test_what_is_no_chain_of_convolutions_and_poolings_is_refused():
    layers = keras.layers
    unknown = [layers.UpSampling2D(2), layers.Conv2DTranspose(1, 3, 2), layers.ZeroPadding2D(1), layers.Cropping2D(1)]
    for what in unknown:
        net = keras.Sequential([keras.Input((16, 16, 1)), layers.Conv2D(1, 3, padding="same"), what])
        with pytest.raises(dhl.DataError, match=f"{type(what).__name__}. changes the size of the maps"):
            dhl.to_pixels(np.zeros((1, *what.output.shape[1:3])), net, what.name)
    image = keras.Input((16, 16, 1))
    one, other = (layers.Conv2D(1, size, padding="same")(image) for size in (3, 5))
    branched = keras.Model(image, layers.Conv2D(1, 3, name="joined")(layers.Add()([one, other])))
    with pytest.raises(dhl.DataError, match="is no chain: .* follows others than"):
        dhl.to_pixels(np.zeros((1, 14, 14)), branched, "joined")
