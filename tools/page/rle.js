// COCO RLE on typed arrays. A bitmap is a Uint8Array of height * width, row by row, 1 = marked. The strings run column by column.

/** Uint32Array of run lengths, unmarked run first. Throws a RangeError for a string that our encoder cannot write. */
export function parse(counts) {
  const runs = new Uint32Array(counts.length);
  let run = 0;
  let at = 0;
  while (at < counts.length) {
    let value = 0;
    let shift = 0;
    let group;
    do {
      if (at === counts.length) throw new RangeError("The mask string ends inside a number.");
      group = counts.charCodeAt(at++) - 48;
      if (group < 0 || group > 63 || shift > 30) throw new RangeError(`The mask string is wrong at character ${at}.`);
      value += (group & 31) * 2 ** shift;
      shift += 5;
    } while (group & 32);
    if (group & 16) value -= 2 ** shift;
    if (run > 2) value += runs[run - 2];
    if (value < 0) throw new RangeError(`The mask string has a run of ${value} pixels.`);
    runs[run++] = value;
  }
  return runs.subarray(0, run);
}

/** The string of these runs. */
export function format(runs) {
  const codes = [];
  for (let run = 0; run < runs.length; run++) {
    let value = runs[run] - (run > 2 ? runs[run - 2] : 0);
    for (let more = true; more; ) {
      const group = value & 31;
      value >>= 5;
      more = group & 16 ? value !== -1 : value !== 0;
      codes.push(48 + group + (more ? 32 : 0));
    }
  }
  let text = "";
  // In pieces: a call takes a bounded number of arguments.
  for (let at = 0; at < codes.length; at += 8192) text += String.fromCharCode(...codes.slice(at, at + 8192));
  return text;
}

/** The bitmap of a string. Throws a RangeError when the runs do not fill the picture exactly. */
export function decode(counts, height, width) {
  const bitmap = new Uint8Array(height * width);
  const runs = parse(counts);
  let pixel = 0;
  for (let run = 0; run < runs.length; run++) {
    const end = pixel + runs[run];
    if (end > bitmap.length) throw new RangeError(`The mask has more than ${height} x ${width} pixels.`);
    if (run % 2) {
      let x = Math.floor(pixel / height);
      let y = pixel - x * height;
      for (; pixel < end; x++, y = 0) {
        const stop = Math.min(height, y + end - pixel);
        pixel += stop - y;
        for (let to = y * width + x; y < stop; y++, to += width) bitmap[to] = 1;
      }
    }
    pixel = end;
  }
  if (pixel !== bitmap.length) throw new RangeError(`The mask has ${pixel} pixels, the picture ${height} x ${width}.`);
  return bitmap;
}

/** The string of a bitmap. */
export function encode(bitmap, height, width) {
  const box = boundsOf(bitmap, height, width);
  const runs = [];
  let pixel = 0; // the end of the last run
  let marked = 0;
  // Only the columns and rows of the box are read; the rest is empty.
  for (let x = box ? box.x0 : width; box && x < box.x1; x++) {
    for (let y = box.y0; y < box.y1; y++) {
      if (bitmap[y * width + x] !== marked) {
        runs.push(x * height + y - pixel);
        pixel = x * height + y;
        marked ^= 1;
      }
    }
    // Below the box nothing is marked; a box that reaches the last row may go on in the next column.
    if (marked && box.y1 < height) {
      runs.push(x * height + box.y1 - pixel);
      pixel = x * height + box.y1;
      marked = 0;
    } else if (marked && x + 1 < box.x1 && box.y0 > 0) {
      runs.push((x + 1) * height - pixel);
      pixel = (x + 1) * height;
      marked = 0;
    }
  }
  if (marked) {
    runs.push(box.x1 * height - pixel);
    pixel = box.x1 * height;
  }
  if (pixel < height * width || !runs.length) runs.push(height * width - pixel);
  return format(runs);
}

/** The smallest box around what is marked, {x0, y0, x1, y1} with x1 and y1 excluded; null when nothing is. */
export function boundsOf(bitmap, height, width) {
  const first = bitmap.indexOf(1);
  if (first < 0) return null;
  const y0 = Math.floor(first / width);
  const y1 = Math.floor(bitmap.lastIndexOf(1) / width) + 1;
  let x0 = width;
  let x1 = 0;
  for (let y = y0; y < y1; y++) {
    const row = bitmap.subarray(y * width, (y + 1) * width);
    const left = row.indexOf(1);
    if (left < 0) continue;
    x0 = Math.min(x0, left);
    x1 = Math.max(x1, row.lastIndexOf(1) + 1);
  }
  return { x0, y0, x1, y1 };
}
