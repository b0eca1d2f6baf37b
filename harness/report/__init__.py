"""Comparisons as people and machines read them."""
