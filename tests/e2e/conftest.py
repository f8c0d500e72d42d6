from running import grid  # noqa: F401  (a fixture)
