"""The computed part of the exam: each question with numbers drawn for a variant, and its answer with the way to it."""

import random
import re

FIRST = 9  # the number of the first computed question


def variants(seed):
    """Questions and answers of part B.

    Parameters
    ----------
    seed : int
        Chosen by the teacher; the same seed gives the same numbers on every machine.

    Returns
    -------
    dict of str to list of (str, str)
        "A" and "B": five questions each with their answers, Markdown. In the answers what earns the points is bold;
        no such number of A is one of the same question in B.
    """
    rng, made = random.Random(seed), {"A": [], "B": []}
    for draw in (features, parameters, memory, weights, predictive_values):
        first = other = draw(rng)
        while set(bold(first[1])) & set(bold(other[1])):
            other = draw(rng)
        made["A"].append(first)
        made["B"].append(other)
    return made


def bold(text):
    """What stands in bold in a Markdown text."""
    return re.findall(r"\*\*([^*]+)\*\*", text)


def numbered(texts):
    """Texts as a numbered list in Markdown."""
    return "\n".join(f"{number}. {text}" for number, text in enumerate(texts, FIRST))


def features(rng):
    """How many features a film gives."""
    window, blocks, filters = rng.choice([(5, 4, 64), (5, 3, 64), (5, 4, 32), (3, 4, 64), (3, 3, 128), (5, 3, 128)])
    side = rng.randrange(92, 240, 4)
    size, steps = side, []
    for _ in range(blocks):
        half = (size - window + 1) / 2
        said = f"({size} - {window - 1}) / 2 = {half:g}"
        size = int(half)
        steps.append(said if size == half else f"{said}, so {size}")
    times = {3: "three", 4: "four"}[blocks]
    return (
        f"Blocks of a {window} x {window} convolution without padding and a 2 x 2 pooling follow one another, {times} "
        f"times; the last has {filters} filters. How many features does a film of {side} x {side} pixels give?",
        f"{'; '.join(steps)}. {size} x {size} x {filters} = **{size * size * filters}**. Six points for one slip.",
    )


def parameters(rng):
    """How many parameters a convolution has."""
    window, channels, filters = rng.choice([3, 5, 7]), rng.choice([8, 16, 32, 64]), rng.choice([24, 32, 48, 64, 96])
    each = window * window * channels
    return (
        f"How many parameters does a convolution with a {window} x {window} window, {channels} channels in and "
        f"{filters} filters have?",
        f"({window} x {window} x {channels} + 1) x {filters} = **{(each + 1) * filters:,}**. Six points without the "
        f"bias ({each * filters:,}).",
    )


def memory(rng):
    """How many gigabytes a set of films takes."""
    films, side = rng.choice([5_000, 8_000, 12_000, 20_000, 40_000]), rng.choice([128, 224, 256, 320])
    size = films * side * side
    return (
        f"{films:,} films of {side} x {side} pixels, as three colours in float32: how many GB (1 GB is 1,000,000,000 "
        f"bytes)? And as one grey byte per pixel?",
        f"{films:,} x {side} x {side} x 3 x 4 bytes = {size * 12:,}: **{size * 12 / 1e9:.1f} GB**. A twelfth: "
        f"**{size / 1e9:.2f} GB**.",
    )


def weights(rng):
    """Class weights that balance three classes."""
    viral, bacterial = rng.randrange(40, 130, 10), rng.randrange(180, 330, 20)
    counts = [1000 - bacterial - viral, bacterial, viral]
    said = "; ".join(f"1,000 / (3 x {count}) = **{1000 / (3 * count):.2f}**" for count in counts)
    return (
        f"The training part has {counts[0]} normal, {counts[1]} bacterial and {counts[2]} viral films. Give class "
        "weights so that all classes weigh the same and the weights of all films add up to their number. Two decimals.",
        f"n / (k x count): {said}. Four points for the right proportions with another scale.",
    )


def predictive_values(rng):
    """The positive predictive value at two prevalences; computed in whole per cent, so that no rounding is near."""
    sensitivity, specificity = rng.choice([80, 85, 90, 95]), rng.choice([80, 85, 90, 95])
    rare, frequent = rng.choice([1, 2, 4, 5]), rng.choice([20, 25, 30, 40])
    said = []
    for share in (rare, frequent):
        hits, alarms = share * sensitivity, (100 - share) * (100 - specificity)
        true = f"{share / 100:g} x {sensitivity / 100:g}"
        false = f"{(100 - share) / 100:g} x {(100 - specificity) / 100:g}"
        value = f"{hits / 1e4:g} / {(hits + alarms) / 1e4:g} = **{hits / (hits + alarms):.2f}**"
        said.append(f"{true} / ({true} + {false}) = {value}.")
    return (
        f"A model has sensitivity {sensitivity / 100:.2f} and specificity {specificity / 100:.2f}. Compute the "
        f"positive predictive value where {rare} in 100 have the finding, and where {frequent} in 100 have it.",
        f"{' '.join(said)} Four points each.",
    )
