// One mask: its bitmap, box, outline as lines, separate parts, and holes.

import { boundsOf, decode } from "./rle.js";

/** A mask of one object on one frame, from its string: {height, width, bitmap, box, area}; box is null when nothing is marked. */
export function markOf(counts, height, width) {
  return markOfBitmap(decode(counts, height, width), height, width);
}

/** The same from a bitmap, which it keeps. */
export function markOfBitmap(bitmap, height, width) {
  const box = boundsOf(bitmap, height, width);
  let area = 0;
  if (box) {
    for (let y = box.y0; y < box.y1; y++) {
      for (let at = y * width + box.x0, end = y * width + box.x1; at < end; at++) area += bitmap[at];
    }
  }
  return { height, width, bitmap, box, area };
}

/** The borders between marked and other pixels as one Path2D in picture coordinates: exact at any zoom. */
export function outlineOf(mark) {
  const path = new Path2D();
  const { box, bitmap, width, height } = mark;
  if (!box) return path;
  const at = (x, y) => (x < 0 || y < 0 || x >= width || y >= height ? 0 : bitmap[y * width + x]);
  // Every straight piece of border between two rows (or columns) is one line of any length.
  const walk = (lines, from, to, differs, draw) => {
    for (let line = lines[0]; line <= lines[1]; line++) {
      let start = -1;
      for (let step = from; step <= to; step++) {
        const border = step < to && differs(line, step);
        if (border && start < 0) start = step;
        else if (!border && start >= 0) {
          draw(line, start, step);
          start = -1;
        }
      }
    }
  };
  walk([box.y0, box.y1], box.x0, box.x1, (y, x) => at(x, y) !== at(x, y - 1), (y, x0, x1) => {
    path.moveTo(x0, y);
    path.lineTo(x1, y);
  });
  walk([box.x0, box.x1], box.y0, box.y1, (x, y) => at(x, y) !== at(x - 1, y), (x, y0, y1) => {
    path.moveTo(x, y0);
    path.lineTo(x, y1);
  });
  return path;
}

/** The inside of a mask as an image of its box, in one colour: draw it at (box.x0, box.y0). Null when nothing is marked. */
export function fillOf(mark, [red, green, blue], alpha) {
  if (!mark.box) return null;
  const { x0, y0, x1, y1 } = mark.box;
  const canvas = new OffscreenCanvas(x1 - x0, y1 - y0);
  const context = canvas.getContext("2d");
  const image = context.createImageData(x1 - x0, y1 - y0);
  const words = new Uint32Array(image.data.buffer);
  const word = ((Math.round(alpha * 255) << 24) | (blue << 16) | (green << 8) | red) >>> 0;
  let to = 0;
  for (let y = y0; y < y1; y++) {
    for (let from = y * mark.width + x0, end = y * mark.width + x1; from < end; from++, to++) {
      if (mark.bitmap[from]) words[to] = word;
    }
  }
  context.putImageData(image, 0, 0);
  return canvas;
}

/**
 * Stray parts and holes of at most `limitPx` pixels: {strays, holes}, each a list of {x, y, area}, a pixel of it and its size. The
 * largest part is never a stray. A part hangs together over sides and corners; a hole is what is not marked, hangs together over
 * sides only and does not reach the edge of the picture.
 */
export function specksOf(mark, limitPx) {
  const { height, width, bitmap, box } = mark;
  if (!box) return { strays: [], holes: [] };
  // One pixel of room around the box, where there is any: background outside is one region then.
  const x0 = Math.max(0, box.x0 - 1);
  const y0 = Math.max(0, box.y0 - 1);
  const w = Math.min(width, box.x1 + 1) - x0;
  const h = Math.min(height, box.y1 + 1) - y0;
  const valueAt = (pixel) => bitmap[(y0 + Math.floor(pixel / w)) * width + x0 + (pixel % w)];
  const seen = new Uint8Array(w * h);
  const queue = new Int32Array(w * h); // all regions, one after the other
  const parts = [];
  let tail = 0;
  const reach = (pixel, value) => {
    if (!seen[pixel] && valueAt(pixel) === value) {
      seen[pixel] = 1;
      queue[tail++] = pixel;
    }
  };
  for (let start = 0; start < seen.length; start++) {
    if (seen[start]) continue;
    const value = valueAt(start);
    const from = tail;
    let edge = false;
    reach(start, value);
    for (let head = from; head < tail; head++) {
      const pixel = queue[head];
      const x = pixel % w;
      const y = (pixel - x) / w;
      edge ||= x === 0 || y === 0 || x === w - 1 || y === h - 1;
      for (let dy = y > 0 ? -1 : 0; dy <= (y < h - 1 ? 1 : 0); dy++) {
        for (let dx = x > 0 ? -1 : 0; dx <= (x < w - 1 ? 1 : 0); dx++) {
          if (value || !dx || !dy) reach(pixel + dy * w + dx, value);
        }
      }
    }
    if (value || !edge) parts.push({ value, x: x0 + (start % w), y: y0 + Math.floor(start / w), area: tail - from });
  }
  const largest = parts.reduce((best, part) => (part.value && part.area > (best?.area ?? 0) ? part : best), null);
  const small = parts.filter((part) => part !== largest && part.area <= limitPx);
  const listed = (wanted) => small.filter(({ value }) => value === wanted).map(({ x, y, area }) => ({ x, y, area }));
  return { strays: listed(1), holes: listed(0) };
}
