// Sets of frames as sorted lists of [first, last], both included.

/** Whether a frame is in one of the ranges. */
export function includes(ranges, frame) {
  let low = 0;
  let high = ranges.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    if (frame < ranges[middle][0]) high = middle - 1;
    else if (frame > ranges[middle][1]) low = middle + 1;
    else return true;
  }
  return false;
}

/** The ranges with one frame more. */
export function insert(ranges, frame) {
  if (includes(ranges, frame)) return ranges;
  const joined = [];
  let [first, last] = [frame, frame];
  for (const range of ranges) {
    if (range[1] === frame - 1) first = range[0];
    else if (range[0] === frame + 1) last = range[1];
    else joined.push(range);
  }
  joined.push([first, last]);
  return joined.sort((a, b) => a[0] - b[0]);
}

/** The ranges of a set of frames. */
export const rangesOf = (frames) => [...frames].reduce(insert, []);

/** The first frame from `frame` on, then from the start, that is in none of the ranges; null when all are. */
export function firstOutside(ranges, frame, count) {
  for (let step = 0; step < count; step++) {
    const candidate = (frame + step) % count;
    if (!includes(ranges, candidate)) return candidate;
  }
  return null;
}

/** How many frames the ranges hold. */
export const size = (ranges) => ranges.reduce((sum, [first, last]) => sum + last - first + 1, 0);
