"""The comparison of two datasets as one HTML page that opens without a network: a table, and a plot per statistic."""

import html

import numpy as np

from graspsim.dataset.statistics import STATISTICS, Difference, Measured
from graspsim.geometry import Array

NAMED = 3
"""Differences that are told in words."""
_BINS = 30
_WIDTH, _HEIGHT = 360, 150
_COLORS = ("#1f77b4", "#ff7f0e")
_STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 1150px; color: #222; }
table { border-collapse: collapse; margin: 1rem 0; } td, th { padding: .2rem .8rem; text-align: right; }
td:first-child, th:first-child { text-align: left; } tr:nth-child(even) { background: #f4f4f4; }
figure { display: inline-block; width: 360px; margin: .6rem; vertical-align: top; }
figcaption { font-size: 13px; } .a { color: #1f77b4; } .b { color: #d95f02; }
"""


def largest_in_words(first: Measured, second: Measured, found: list[Difference]) -> list[str]:
    """Return a sentence for each of the largest differences, or one that there is none."""
    largest = [difference for difference in found[:NAMED] if difference.wasserstein > 0]
    if not largest:
        return [f"{first.name} and {second.name} do not differ in what they both have."]
    return [difference.in_words(first.name, second.name) for difference in largest]


def page(first: Measured, second: Measured, found: list[Difference]) -> str:
    """Return the page.

    Args:
        first: one dataset.
        second: the other.
        found: their differences, the largest first.
    """
    sentences = "".join(f"<li>{html.escape(text)}</li>" for text in largest_in_words(first, second, found))
    rows = "".join(_row(first, second, difference) for difference in found)
    plots = "".join(_figure(first, second, difference) for difference in found)
    missing = [STATISTICS[n].label for n in STATISTICS if n not in {difference.name for difference in found}]
    note = f"<p>Not compared, since one of them has none: {html.escape('; '.join(missing))}.</p>" if missing else ""
    titles = [html.escape(dataset.name) for dataset in (first, second)]
    views = " and ".join("unknown" if d.viewpoints is None else f"{d.viewpoints:.0%}" for d in (first, second))
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{titles[0]} and {titles[1]}</title>'
        f"<style>{_STYLE}</style><h1><span class=a>{titles[0]}</span> and <span class=b>{titles[1]}</span></h1>"
        f"<p>{first.images} and {second.images} images. Share of all directions that objects are seen from: "
        f"{views}.</p>"
        f"<h2>The largest differences</h2><ol>{sentences}</ol>{note}"
        "<p>Wasserstein's distance is in standard deviations of both; Kolmogorov and Smirnov's is the largest "
        "difference of cumulative shares.</p>"
        "<table><tr><th>statistic</th><th>mean of the first</th><th>of the second</th><th>Wasserstein</th>"
        f"<th>Kolmogorov-Smirnov</th></tr>{rows}</table>{plots}</html>\n"
    )


def _row(first: Measured, second: Measured, difference: Difference) -> str:
    means = "".join(f"<td>{dataset.values[difference.name].mean():.4g}</td>" for dataset in (first, second))
    label = html.escape(STATISTICS[difference.name].label)
    return f"<tr><td>{label}</td>{means}<td>{difference.wasserstein:.2f}</td><td>{difference.ks:.2f}</td></tr>"


def _figure(first: Measured, second: Measured, difference: Difference) -> str:
    values = [dataset.values[difference.name] for dataset in (first, second)]
    low, high = (float(v) for v in np.quantile(np.concatenate(values), (0.005, 0.995)))
    high = high if high > low else low + 1.0
    shares = [np.histogram(np.clip(v, low, high), _BINS, (low, high))[0] / len(v) for v in values]
    top = max(float(s.max()) for s in shares)
    lines = "".join(_steps(s / top, color) for s, color in zip(shares, _COLORS, strict=True))
    ends = (
        f'<text x="0" y="{_HEIGHT - 2}" font-size="11">{low:.3g}</text>'
        f'<text x="{_WIDTH}" y="{_HEIGHT - 2}" font-size="11" text-anchor="end">{high:.3g}</text>'
    )
    label = html.escape(STATISTICS[difference.name].label)
    return (
        f'<figure><svg viewBox="0 0 {_WIDTH} {_HEIGHT}" width="{_WIDTH}" height="{_HEIGHT}" role="img" '
        f'aria-label="{label}">{lines}{ends}</svg><figcaption>{label}; distance {difference.wasserstein:.2f}'
        "</figcaption></figure>"
    )


def _steps(heights: Array, color: str) -> str:
    """Return a histogram of heights (n,) up to 1 as an outline, filled faintly."""
    floor, step = _HEIGHT - 16, _WIDTH / len(heights)
    points = [f"0,{floor}"]
    for i, height in enumerate(heights.tolist()):
        y = floor - height * (floor - 4)
        points += [f"{i * step:.1f},{y:.1f}", f"{(i + 1) * step:.1f},{y:.1f}"]
    points.append(f"{_WIDTH},{floor}")
    return f'<polygon points="{" ".join(points)}" fill="{color}" fill-opacity=".2" stroke="{color}"/>'
