"""The benchmark: networks, features, heads and treatments of imbalance compared under one fixed protocol."""
