"""Somebody who looks at the page of explore: what the canvas shows, pixel by pixel of the video."""

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from playwright.sync_api import Page

UInt8Array = npt.NDArray[np.uint8]

# The middle of every pixel of the video as the canvas shows it, when the whole picture is fitted
# into it.
PIXELS = """([id, height, width]) => {
  const canvas = document.getElementById(id);
  const scale = Math.min((canvas.clientWidth - 16) / width, (canvas.clientHeight - 16) / height);
  const [left, top] = [(canvas.clientWidth - width * scale) / 2, (canvas.clientHeight - height * scale) / 2];
  const {data} = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  const found = [];
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const at = 4 * (Math.floor(top + (y + 0.5) * scale) * canvas.width + Math.floor(left + (x + 0.5) * scale));
      found.push(data[at], data[at + 1], data[at + 2]);
    }
  }
  return found;
}"""


def wait_for_frame(page: "Page", frame: int | None = None) -> int:
    """Waits until a frame is drawn (this one, where it is given) and gives its number."""
    wanted = "[data-frame]" if frame is None else f"[data-frame='{frame}']"
    page.wait_for_selector(f"#picture-box{wanted}")
    return int(str(page.locator("#picture-box").get_attribute("data-frame")))


def settled(page: "Page") -> None:
    """Waits until what was asked for is drawn."""
    page.evaluate(
        "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => "
        "setTimeout(done, 60))))"
    )


def pixels(page: "Page", height: int, width: int, *, canvas: str = "picture") -> UInt8Array:
    """uint8[H, W, 3]: what the canvas shows of each pixel of the video."""
    found: Any = page.evaluate(PIXELS, [canvas, height, width])
    return np.asarray(found, np.uint8).reshape(height, width, 3)


def masks_set_to(page: "Page", wanted: str) -> None:
    """Presses M until masks are drawn this way: filled, edges or hidden."""
    for _ in range(3):
        if page.locator(f"#view-bar button:text-is('Masks: {wanted}')").count():
            return
        page.keyboard.press("m")
    raise AssertionError(f"masks are never {wanted}")


def painted(
    page: "Page", height: int, width: int, *, canvas: str = "picture"
) -> npt.NDArray[np.bool_]:
    """bool[H, W]: the pixels of the video that look different with their masks filled than with
    masks hidden.
    """
    shown = []
    for how in ("hidden", "filled"):
        masks_set_to(page, how)
        settled(page)
        shown.append(pixels(page, height, width, canvas=canvas))
    different: npt.NDArray[np.bool_] = (shown[0] != shown[1]).any(2)
    return different
