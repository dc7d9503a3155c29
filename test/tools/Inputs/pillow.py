"""pillow.py FOLDER: pictures of every kind as Pillow writes them, a class a mode, and beside them what Pillow makes of them:
rgb.npy, grey.npy (as they are, 23 x 31), large.npy, small.npy (resized), opacity.npy. The folders rgb and rgba hold them."""
import os
import sys

import numpy as np
from PIL import Image, ImageOps

root = sys.argv[1]
random = np.random.default_rng(7)
H, W = 23, 31


def noise(channels=None):
    y, x = np.mgrid[0:H, 0:W]
    smooth = (np.sin(x / 5) * 60 + np.cos(y / 4) * 60 + 128)[..., None]
    values = np.clip(smooth + random.integers(-40, 40, (H, W, channels or 1)), 0, 255).astype(np.uint8)
    return Image.fromarray(values if channels else values[..., 0], {2: "LA", 4: "RGBA"}.get(channels))


def save(image, name, **options):
    os.makedirs(os.path.dirname(f"{root}/all/{name}"), exist_ok=True)
    image.save(f"{root}/all/{name}", **options)


save(noise(), "grey/a.png")
save(noise().convert("1"), "grey/bits.png")
save(noise(), "grey/c.jpg")
save(noise(2), "opacity/la.png")
save(noise(4), "opacity/rgba.png")
save(noise(3).quantize(17), "palette/a.png")
save(noise(3).quantize(4), "palette/b.png", bits=2)
save(noise(3).quantize(17), "palette/clear.png", transparency=3)
save(noise(3), "colour/a.png")
save(noise(3), "colour/clear.png", transparency=(3, 4, 5))
for quality, sampling in (50, 0), (90, 1), (75, 2):
    save(noise(3), f"colour/{sampling}.jpg", quality=quality, subsampling=sampling)
save(noise(3), "colour/progressive.jpg", progressive=True)
save(noise(4).copy().convert("CMYK"), "ink/a.jpg")
# 16 bits lose their lower half.
deep = random.integers(0, 65536, (H, W)).astype(np.uint16)
save(Image.fromarray(deep.astype(np.int32), "I"), "deep/a.png")
for orientation in 2, 3, 4:
    exif = Image.Exif()
    exif[0x112] = orientation
    save(noise(3), f"turned/{orientation}.jpg", exif=exif)
    save(noise(3), f"turned/{orientation}.png", exif=exif)

files = sorted(os.path.relpath(os.path.join(folder, name), f"{root}/all")
               for folder, _, names in os.walk(f"{root}/all") for name in names)


def expected(mode, size=None):
    pictures = []
    for file in files:
        image = Image.open(f"{root}/all/{file}")
        if image.mode.startswith("I"):
            image = Image.fromarray((deep >> 8).astype(np.uint8))
        image = ImageOps.exif_transpose(image).convert(mode)
        if size:
            image = image.resize((size[1], size[0]), Image.BILINEAR)
        values = np.asarray(image)
        pictures.append(values[None] if values.ndim == 2 else values.transpose(2, 0, 1))
    return np.ascontiguousarray(np.stack(pictures))


np.save(f"{root}/rgb.npy", expected("RGB"))
np.save(f"{root}/grey.npy", expected("L"))
np.save(f"{root}/large.npy", expected("RGB", (64, 40)))
np.save(f"{root}/small.npy", expected("RGB", (7, 50)))
np.save(f"{root}/opacity.npy", expected("RGBA", (11, 13)))
