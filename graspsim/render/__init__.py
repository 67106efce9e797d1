"""Rendering: one contract, and engines behind it chosen by name."""
