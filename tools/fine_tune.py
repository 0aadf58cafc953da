"""Fine-tune EfficientNet-Lite0 on the sample and keep the weights that the notebooks load: `python -m tools.fine_tune`.

It learns from the sample's training part; the validation part chooses the epoch. The weights are float16, at most 7 MB,
in data_samples/weights/, beside a .json with their recipe and checksum. `dhl.fine_tune` finds them for exactly these
images and settings. A few minutes on two cores.
"""

import argparse

import dhl_helpers as dhl
from dhl_helpers.course import COMMITTED
from dhl_helpers.readers import sample

MOST = 7_000_000  # bytes


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=4, help="default: 4, as the notebooks ask for")
    parser.add_argument("--image-size", type=int, default=COMMITTED["IMAGE_SIZE"], help="pixels (default: %(default)s)")
    args = parser.parse_args()
    folder, seed = sample.folder() / "weights", COMMITTED["SEED"]
    train, val, _ = dhl.load_dataset("sample", image_size=args.image_size).split(seed)
    base = dhl.pretrained_base("EfficientNetLite0", train.image_shape)
    for old in folder.glob("fine_tuned-*"):
        old.unlink()
    dhl.fine_tune(base, train, val, seed, args.epochs, cache_dir=folder)
    (file,) = folder.glob("fine_tuned-*.npz")
    size = file.stat().st_size
    print(f"{file}: {size / 1e6:.1f} MB")
    return f"{file.name} has more than {MOST / 1e6:.0f} MB." if size > MOST else 0


if __name__ == "__main__":
    raise SystemExit(main())
