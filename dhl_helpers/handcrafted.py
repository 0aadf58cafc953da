"""Features that somebody thought out: edges (HOG), local texture (LBP), co-occurring grey levels (GLCM)."""

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin

from .errors import DataError
from .pixels.check import as_images
from .progress import progress

RADII = (1, 2)  # of the local binary patterns, pixels
DISTANCES = (1, 2, 4)  # of the co-occurring pixels
ANGLES = (0, np.pi / 4, np.pi / 2, 3 * np.pi / 4)
PROPERTIES = ("contrast", "homogeneity", "energy", "correlation")
LEVELS = 32  # grey levels that the co-occurrences are counted in
SMALLEST = 16  # pixels; below it a cell or a region is too small to count anything in


class HandcraftedFeatures(TransformerMixin, BaseEstimator):
    """Images to handcrafted features, as a scikit-learn transformer beside `DeepFeatures`.

    For each image: histograms of oriented gradients, 8 directions in `cells` x `cells` cells, normalised over blocks
    of 2 x 2; histograms of uniform local binary patterns at radius 1 and 2 in 3 x 3 regions; contrast, homogeneity,
    energy and correlation of the grey-level co-occurrence matrix at distances of 1, 2 and 4 pixels in four directions.
    Nothing is learned, so nothing is fitted. Join them to others with scikit-learn's `FeatureUnion`.

    Parameters
    ----------
    cells : int
        Cells a side for the gradients, 2 or more. Four give 516 features in all.
    """

    def __init__(self, cells=4):
        self.cells = cells

    def __sklearn_is_fitted__(self):
        return True

    def fit(self, X, y=None):
        """Do nothing: there is nothing to learn."""
        return self

    def transform(self, X):
        """Compute the features.

        Parameters
        ----------
        X : ndarray of uint8, shape (n, height, width, 1 or 3), or Radiographs, or its `images`
            Grey levels 0 to 255; colours are averaged. At least 16 pixels, and two per cell, in height and width.

        Returns
        -------
        ndarray of float32, shape (n, 32 (cells - 1)^2 + 228)
            In the order of `X`.

        Raises
        ------
        DataError
            If `X` has another shape or type, its images are too small, or there are fewer than two cells.
        """
        X = as_images(X)
        if self.cells < 2 or min(X.shape[1:3]) < max(SMALLEST, 2 * self.cells):
            raise DataError(
                f"Images of {X.shape[1]} x {X.shape[2]} pixels cannot be divided into {self.cells} x {self.cells} "
                f"cells: take 2 cells or more a side, of 2 pixels or more each, and images of {SMALLEST} or more."
            )
        features = np.empty((len(X), 32 * (self.cells - 1) ** 2 + 228), np.float32)
        for row, image in enumerate(progress(X, unit="image", description="handcrafted features")):
            grey = image[..., 0] if image.shape[2] == 1 else image.mean(2).astype(np.uint8)
            features[row] = np.concatenate([_gradients(grey, self.cells), _patterns(grey), _co_occurrences(grey)])
        return features


def _gradients(grey, cells):
    from skimage.feature import hog  # scikit-image is imported where it is used: it takes a second

    cell = [side // cells for side in grey.shape]
    top, left = ((side - cells * each) // 2 for side, each in zip(grey.shape, cell, strict=True))
    middle = grey[top : top + cells * cell[0], left : left + cells * cell[1]]  # sides that cells divide
    return hog(middle, orientations=8, pixels_per_cell=cell, cells_per_block=(2, 2))


def _patterns(grey):
    from skimage.feature import local_binary_pattern

    histograms = []
    for radius in RADII:
        codes = local_binary_pattern(grey, 8, radius, "uniform").astype(int)  # 0 to 9
        for rows in np.array_split(codes, 3):
            for region in np.array_split(rows, 3, axis=1):
                histograms.append(np.bincount(region.ravel(), minlength=10) / region.size)
    return np.concatenate(histograms)


def _co_occurrences(grey):
    from skimage.feature import graycomatrix, graycoprops

    matrix = graycomatrix(grey // (256 // LEVELS), DISTANCES, ANGLES, LEVELS, symmetric=True, normed=True)
    return np.concatenate([graycoprops(matrix, name).ravel() for name in PROPERTIES])
