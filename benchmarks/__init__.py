"""What is fast, how fast, against what: every figure is a ratio or a slope taken in one run."""
