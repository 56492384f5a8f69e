// The masks of one open video that are drawn on a frame: by object, of another source, or compared.

import { COMPARED_COLOURS, objectColours } from "../shared/colours.js";
import { markOf, markOfBitmap } from "../shared/marks.js";
import { decode } from "../shared/rle.js";

const KEPT = 120;

/** The masks of `video`, and of `other` where something is compared (null otherwise), as marks to be drawn. */
export function masksOf(video, other) {
  const { height, width } = video;
  const colours = new Map(video.objects.map(({ object_id: id }, place) => [id, objectColours(video.objects.map(({ artifact_type: type }) => type))[place]]));
  const byFrame = new Map(); // frame → [[object, counts]]
  video.masks.frame_index.forEach((frame, place) => {
    if (!byFrame.has(frame)) byFrame.set(frame, []);
    byFrame.get(frame).push([video.masks.object_id[place], video.masks.counts[place]]);
  });
  const others = new Map((other?.masks.frame_index ?? []).map((frame, place) => [frame, other.masks.counts[place]]));
  const kept = new Map(); // text → what was made of it, the oldest first

  function made(key, make) {
    let marks = kept.get(key);
    if (marks === undefined) marks = make();
    kept.delete(key);
    kept.set(key, marks);
    if (kept.size > KEPT) kept.delete(kept.keys().next().value);
    return marks;
  }

  /** The pixels of any object of the video that is not hidden. */
  function truth(frame, hidden) {
    const bitmap = new Uint8Array(height * width);
    for (const [id, counts] of byFrame.get(frame) ?? []) {
      if (hidden.has(id)) continue;
      const one = decode(counts, height, width);
      for (let at = 0; at < bitmap.length; at++) bitmap[at] |= one[at];
    }
    return bitmap;
  }

  const masks = {
    colours,
    byFrame,
    /** Every object of the video on this frame. */
    objects: (frame, hidden) =>
      (byFrame.get(frame) ?? [])
        .filter(([id]) => !hidden.has(id))
        .map(([id, counts]) => ({ id, mark: made(`o${id} ${frame}`, () => markOf(counts, height, width)), colour: colours.get(id) })),
    /** What the other source marks. */
    other: (frame) => (others.has(frame) ? [{ mark: made(`p ${frame}`, () => markOf(others.get(frame), height, width)), colour: COMPARED_COLOURS.second }] : []),
    otherFrames: new Set(others.keys()),
    /** In three colours: both, only the video, only the other source. */
    compared: (frame, hidden) =>
      made(`c ${frame} ${[...hidden]}`, () => {
        const first = truth(frame, hidden);
        const second = others.has(frame) ? decode(others.get(frame), height, width) : new Uint8Array(first.length);
        const parts = { both: new Uint8Array(first.length), first: new Uint8Array(first.length), second: new Uint8Array(first.length) };
        for (let at = 0; at < first.length; at++) {
          if (first[at]) parts[second[at] ? "both" : "first"][at] = 1;
          else if (second[at]) parts.second[at] = 1;
        }
        return Object.entries(parts).map(([name, bitmap]) => ({ mark: markOfBitmap(bitmap, height, width), colour: COMPARED_COLOURS[name] }));
      }),
  };
  return masks;
}
