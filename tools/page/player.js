// Shows frames: stepping, playing, flickering. The picture, its number and its masks always belong to one frame.

import { FrameError } from "./frames.js";

const FLICKER_MS = 280;

/**
 * Shows frames of `source` through `onShow({frame, under})`. `times` are the frames' times in seconds; `onTrouble(message)` is told why
 * a frame is not there; `onState()` hears when playing, flicker or the wanted frame changed.
 */
export function playerOf({ source, times, onShow, onTrouble, onState }) {
  let wanted = 0;
  let asked = 0; // number of the last request
  let shownRequest = 0;
  let drawn = null; // number of the frame that was drawn last
  let whenDrawn = null; // {index, go}: what goes on when that frame is drawn, or when playing stops
  let shown = null; // [frame, previous frame or null]
  let playing = null; // {speed}
  let flickerTimer = null;
  let flickerSide = 0;
  const options = { exact: false, onion: false };

  async function show(index, direction = 1) {
    wanted = Math.max(0, Math.min(source.count - 1, index));
    const request = ++asked;
    const pair = (options.onion || flickerTimer) && wanted > 0 ? [wanted, wanted - 1] : [wanted];
    onState();
    try {
      const frames = await source.show(pair, options.exact);
      // An older answer that arrives late is never shown.
      if (request < shownRequest) return false;
      shownRequest = request;
      shown = [frames[0], frames[1] ?? null];
      put();
    } catch (error) {
      if (error.name === "AbortError") return false;
      if (!(error instanceof FrameError)) throw error;
      onTrouble(error.message);
      return false;
    }
    if (request === asked) source.ahead(wanted, direction, options.exact);
    return true;
  }

  function put() {
    if (!shown) return;
    const [frame, previous] = shown;
    if (flickerTimer) onShow({ frame: flickerSide && previous ? previous : frame, under: null });
    else onShow({ frame, under: options.onion ? previous : null });
  }

  async function play(speed = 1) {
    const run = (playing = { speed });
    onState();
    if (wanted === source.count - 1) {
      await show(0);
      await untilDrawn(0);
    }
    let start = { at: performance.now(), time: times[wanted] };
    while (playing === run && wanted < source.count - 1) {
      const next = wanted + 1;
      const due = start.at + ((times[next] - start.time) * 1000) / speed;
      await until(due);
      if (playing !== run) break;
      if (!(await show(next))) break;
      // No frame is skipped: if the server or the screen is slower than the video, the video waits.
      await untilDrawn(next);
      if (performance.now() > due + 100) start = { at: performance.now(), time: times[next] };
    }
    if (playing === run) stop();
  }

  const untilDrawn = (index) => new Promise((go) => (drawn === index ? go() : (whenDrawn = { index, go })));

  function stop() {
    if (!playing) return false;
    playing = null;
    whenDrawn?.go();
    onState();
    return true;
  }

  function setFlicker(on) {
    clearInterval(flickerTimer);
    flickerTimer = null;
    flickerSide = 0;
    if (on) {
      flickerTimer = setInterval(() => {
        flickerSide ^= 1;
        put();
      }, FLICKER_MS);
    }
    onState();
    return show(wanted);
  }

  return {
    show,
    play,
    stop,
    put,
    setFlicker,
    /** One step on by a key: while a key is held down every frame is drawn before the next one is asked for. */
    step(by, isRepeat) {
      stop();
      if (isRepeat && drawn !== wanted) return;
      show(wanted + by, Math.sign(by));
    },
    /** Call it with each drawn frame. */
    drew(index) {
      drawn = index;
      if (whenDrawn?.index === index) whenDrawn.go();
    },
    setOptions(next) {
      Object.assign(options, next);
      onState();
      return show(wanted);
    },
    get wanted() {
      return wanted;
    },
    get playing() {
      return playing !== null;
    },
    get flickers() {
      return flickerTimer !== null;
    },
    get options() {
      return options;
    },
    close() {
      stop();
      clearInterval(flickerTimer);
      source.close();
    },
  };
}

/** Resolves at a time of performance.now(), in a frame of the screen; at once if that time is over. */
function until(due) {
  return new Promise((resolve) => {
    const tick = (now) => (now >= due - 4 ? resolve() : requestAnimationFrame(tick));
    tick(performance.now());
  });
}
