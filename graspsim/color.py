"""sRGB (IEC 61966-2-1) to linear light and back."""

import numpy as np
from numpy.typing import ArrayLike, NDArray


def linear_from_srgb(srgb: ArrayLike) -> NDArray[np.float64]:
    """Decode sRGB in [0, 1] to linear light in [0, 1]."""
    s = np.asarray(srgb, dtype=np.float64)
    return np.where(s <= 0.04045, s / 12.92, ((s + 0.055) / 1.055) ** 2.4)


def srgb_from_linear(linear: ArrayLike) -> NDArray[np.float64]:
    """Encode linear light in [0, 1] to sRGB in [0, 1]."""
    x = np.asarray(linear, dtype=np.float64)
    return np.where(x <= 0.0031308, x * 12.92, 1.055 * np.maximum(x, 1e-12) ** (1 / 2.4) - 0.055)


SRGB_ENCODE: NDArray[np.uint8] = np.round(srgb_from_linear(np.linspace(0.0, 1.0, 4096)) * 255).astype(np.uint8)
"""sRGB bytes of 4096 equal steps of linear light."""

SRGB_DECODE: NDArray[np.float32] = linear_from_srgb(np.arange(256) / 255).astype(np.float32)
"""Linear light of each sRGB byte."""
