"""Changes to pictures that teach a network not to rely on how a renderer, a camera or a compression looks."""

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]


def augmented(image: Image, rng: np.random.Generator, share: float = 1.0) -> Image:
    """Return a picture (h, w, 3) with other colours, blur, noise and compression, each now and then.

    Only a share of the pictures is changed at all.
    """
    if rng.random() >= share:
        return image
    result = _recolored(image, rng)
    if rng.random() < 0.4:
        result = np.asarray(cv2.GaussianBlur(result, (0, 0), float(rng.uniform(0.3, 1.5))), dtype=np.uint8)
    if rng.random() < 0.5:
        noise = rng.normal(0, rng.uniform(1, 12), result.shape).astype(np.float32)
        result = np.clip(result + noise, 0, 255).astype(np.uint8)
    if rng.random() < 0.3:
        _, data = cv2.imencode(".jpg", result, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(30, 95))])
        result = np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), dtype=np.uint8)
    return result


def _recolored(image: Image, rng: np.random.Generator) -> Image:
    """Change brightness, contrast, white balance and saturation."""
    if rng.random() < 0.1:
        return image
    gains = rng.uniform(0.7, 1.4) * rng.uniform(0.9, 1.1, 3)
    mixed = np.float32(image) * gains.astype(np.float32)
    grey = mixed.mean(axis=2, keepdims=True)
    mixed = grey + (mixed - grey) * np.float32(rng.uniform(0.4, 1.5))
    middle = np.float32(grey.mean())
    mixed = middle + (mixed - middle) * np.float32(rng.uniform(0.7, 1.3)) + np.float32(rng.uniform(-20, 20))
    return np.asarray(np.clip(mixed, 0, 255), dtype=np.uint8)


def patched(image: Image, visible: NDArray[np.bool_], rng: np.random.Generator) -> None:
    """Hide a part of a crop (h, w, 3) behind a patch of one colour or of noise; what it hides is no longer visible.

    Args:
        image: is changed.
        visible: (k, k) where the object is seen, in cells of the crop; is changed, too.
        rng: where, how large and what.
    """
    height, width = image.shape[:2]
    share_y, share_x = rng.uniform(0.1, 0.5, 2)
    y, x = rng.uniform(0, 1 - share_y), rng.uniform(0, 1 - share_x)
    rows = slice(int(y * height), int((y + share_y) * height))
    columns = slice(int(x * width), int((x + share_x) * width))
    shape = image[rows, columns].shape
    image[rows, columns] = rng.integers(0, 256, shape if rng.random() < 0.3 else (1, 1, 3))
    cells = len(visible)
    visible[int(y * cells) : int((y + share_y) * cells) + 1, int(x * cells) : int((x + share_x) * cells) + 1] = False


def with_background(image: Image, objects: NDArray[np.bool_], background: Image) -> Image:
    """Return a picture (h, w, 3) whose pixels that show no object (h, w) are those of another, brought to its size."""
    height, width = image.shape[:2]
    other = cv2.resize(background, (width, height), interpolation=cv2.INTER_AREA)
    return np.where(objects[..., None], image, other)


def in_the_style_of(image: Image, real: Image, share: float = 0.01) -> Image:
    """Return a picture (h, w, 3) with the lowest frequencies' amplitudes of another, its phases kept.

    Fourier domain adaptation (Yang and Soatto, CVPR 2020), with β = `share` of the smaller side.
    """
    height, width = image.shape[:2]
    other = cv2.resize(real, (width, height), interpolation=cv2.INTER_AREA)
    spectrum = np.fft.fft2(image.astype(np.float32), axes=(0, 1))
    amplitude, theirs = np.abs(spectrum), np.abs(np.fft.fft2(other.astype(np.float32), axes=(0, 1)))
    reach = int(share * min(height, width))
    rows, columns = np.arange(-reach, reach + 1) % height, np.arange(-reach, reach + 1) % width
    amplitude[np.ix_(rows, columns)] = theirs[np.ix_(rows, columns)]
    mixed = np.fft.ifft2(amplitude * np.exp(1j * np.angle(spectrum)), axes=(0, 1)).real
    return np.clip(np.rint(mixed), 0, 255).astype(np.uint8)
