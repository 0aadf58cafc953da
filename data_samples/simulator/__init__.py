"""Simulated chest radiographs with everything that is known of them: not of any person, not for diagnosis."""
