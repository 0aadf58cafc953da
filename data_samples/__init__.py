"""The simulated radiographs of the course, the programs that make them (README.md), and weights trained on them."""
