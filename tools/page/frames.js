// Frames of one video as bitmaps: fetched by index, kept within a memory limit, and fetched ahead in the current direction.

const BUDGET_BYTES = 256 * 2 ** 20;
const AHEAD = 4;

/**
 * A source of `count` frames. `fetchFrame(index, exact, {ahead, signal})` resolves to a Response, a PNG when exact and else a JPEG;
 * `ahead` means that nobody waits for it yet. The server may answer 409 if newer requests have replaced this one.
 * `get(index, exact)` resolves to {index, exact, bitmap} and rejects with a FrameError in plain words.
 * A frame always carries its own index. The drawn number comes from the frame, never from the last request.
 */
export function frameSource({ fetchFrame, count, height, width }) {
  const kept = new Map(); // key → promise of a frame, the oldest first
  const loading = new Map(); // key → AbortController
  let wanted = new Set(); // keys of what is to be shown now
  const limit = Math.max(12, Math.floor(BUDGET_BYTES / (4 * height * width)));
  const keyOf = (index, exact) => `${index}${exact ? "x" : ""}`;

  async function load(index, exact, { ahead, signal }) {
    for (;;) {
      let answer;
      try {
        answer = await fetchFrame(index, exact, { ahead, signal });
      } catch (error) {
        if (error.name === "AbortError") throw error;
        throw new FrameError(`Frame ${index} did not arrive: the connection to the server is lost.`);
      }
      if (answer.status === 409) {
        // A newer request replaced this one. If the frame is still needed, it is requested again in the background.
        if (!wanted.has(keyOf(index, exact))) throw new DOMException("overtaken", "AbortError");
        ahead = true;
        continue;
      }
      if (!answer.ok) throw new FrameError(await wordsOf(answer, index));
      const named = Number(answer.headers.get("X-Frame-Index"));
      if (named !== index) throw new FrameError(`The server sent frame ${named} instead of ${index}.`);
      const bitmap = await createImageBitmap(await answer.blob(), { colorSpaceConversion: "none", premultiplyAlpha: "none" });
      return { index, exact, bitmap };
    }
  }

  function get(index, exact = false, { ahead = false } = {}) {
    const key = keyOf(index, exact);
    const known = kept.get(key);
    if (known) {
      kept.delete(key); // to the young end
      kept.set(key, known);
      return known;
    }
    const control = new AbortController();
    const frame = load(index, exact, { ahead, signal: control.signal });
    kept.set(key, frame);
    loading.set(key, control);
    const settled = () => loading.get(key) === control && loading.delete(key);
    frame.then(
      () => settled(),
      () => {
        settled();
        if (kept.get(key) === frame) kept.delete(key);
      },
    );
    for (const [old, promise] of kept) {
      if (kept.size <= limit) break;
      kept.delete(old);
      loading.get(old)?.abort();
      promise.then((gone) => gone.bitmap.close(), () => {});
    }
    return frame;
  }

  return {
    count,
    get,
    /** These frames are to be shown now: the first in front, the others behind. Resolves to the list of them. */
    show(indices, exact = false) {
      wanted = new Set(indices.map((index) => keyOf(index, exact)));
      return Promise.all(indices.map((index, place) => get(index, exact, { ahead: place > 0 })));
    },
    /** Fetches the frames after `index` in `direction` (1 or -1) and gives up loading what lies elsewhere. */
    ahead(index, direction, exact = false) {
      const next = [];
      for (let step = 1; step <= (exact ? 2 : AHEAD); step++) next.push(index + step * direction);
      const due = new Set([...wanted, ...next.map((other) => keyOf(other, exact))]);
      for (const [key, control] of loading) {
        if (!due.has(key)) {
          control.abort();
          kept.delete(key);
        }
      }
      for (const other of next) {
        if (other >= 0 && other < count) get(other, exact, { ahead: true }).catch(() => {}); // the error is reported when the frame must be shown
      }
    },
    close() {
      for (const control of loading.values()) control.abort();
      for (const promise of kept.values()) promise.then((frame) => frame.bitmap.close(), () => {});
      kept.clear();
    },
  };
}

/** A frame that could not be shown; the message is for the person at the screen. */
export class FrameError extends Error {}

async function wordsOf(answer, index) {
  const text = (await answer.text()).trim();
  try {
    return JSON.parse(text).error.message ?? `Frame ${index}: the server answered ${answer.status}.`;
  } catch {
    return text && text.length < 300 ? text : `Frame ${index}: the server answered ${answer.status}.`;
  }
}
