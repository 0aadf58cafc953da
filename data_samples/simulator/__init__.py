"""Simulated chest radiographs with everything that is known of them: not of any person, not for diagnosis."""

from .films import SWITCHES, ZONES, Film, film
from .patients import DISEASES, patient

__all__ = ["DISEASES", "SWITCHES", "ZONES", "Film", "film", "patient"]
