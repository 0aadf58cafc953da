"""From image files of any kind to grey levels: the one place that knows PNG, TIFF and DICOM."""
