"""Datasets: generation, the BOP format, validation and preview."""
