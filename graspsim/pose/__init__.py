"""Estimating where known objects are from pictures, and scoring whoever does."""
