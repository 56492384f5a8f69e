// The picture on a canvas: zoom and pan, square pixels when enlarged, masks over it. It does not depend on the server.

import { onceAFrame } from "./canvas.js";
import { css } from "./colours.js";
import { fillOf, outlineOf } from "./marks.js";

const MAX_SCALE = 64;
const FILL = 0.38; // as in brokenvideos.masks.overlay
const HALO = "rgb(0 0 0 / 0.65)";

/**
 * How a picture is turned upright: {matrix: [a, b, c, d, e, f], height, width}, for `rotation` degrees clockwise, a multiple of 90;
 * from 360 on it is mirrored left to right first. The matrix takes a point of the decoded grid to the upright picture of that height
 * and width, as canvas transforms do.
 */
export function uprightOf(rotation, height, width) {
  const turned = ((rotation % 360) + 360) % 360;
  let matrix = { 0: [1, 0, 0, 1, 0, 0], 90: [0, 1, -1, 0, height, 0], 180: [-1, 0, 0, -1, width, height], 270: [0, -1, 1, 0, 0, width] }[turned];
  if (rotation >= 360) {
    const [a, b, c, d, e, f] = matrix;
    matrix = [-a, -b, c, d, e + a * width, f + b * width];
  }
  return turned % 180 ? { matrix, height: width, width: height } : { matrix, height, width };
}

/**
 * A picture in `canvas`. What is drawn is one scene: {frame: {index, bitmap}, under: frame or null, marks: [{mark, colour, faint}]}.
 * `decorate(context, view)` draws on top in screen pixels; `onDraw(scene)` runs in the same task as the drawing, so what it writes on
 * the page changes together with the picture.
 */
export function pictureView(canvas, { decorate = () => {}, onDraw = () => {}, onView = () => {} } = {}) {
  const context = canvas.getContext("2d", { alpha: false });
  const drawn = new WeakMap(); // mark → {key, fill, outline}
  let size = { height: 0, width: 0 }; // of the decoded grid, which all coordinates are in
  let upright = uprightOf(0, 0, 0);
  let place = { scale: 1, x: 0, y: 0 }; // of the picture's corner, in CSS pixels
  let fitted = true;
  let scene = null;
  let style = { fill: true, marks: true };
  const request = onceAFrame(draw);

  const view = {
    get scale() {
      return place.scale;
    },
    get size() {
      return size;
    },
    get scene() {
      return scene;
    },
    /** {scale, x, y, fitted}: give it to `restore` later. */
    get state() {
      return { ...place, fitted };
    },
    /** Picture coordinates of a point of the canvas: pixel (column, row) is where column <= x < column + 1. */
    toPicture({ x, y }) {
      const [a, b, c, d, e, f] = upright.matrix;
      const [u, v] = [(x - place.x) / place.scale - e, (y - place.y) / place.scale - f];
      return { x: a * u + b * v, y: c * u + d * v };
    },
    toCanvas({ x, y }) {
      const [a, b, c, d, e, f] = upright.matrix;
      return { x: (a * x + c * y + e) * place.scale + place.x, y: (b * x + d * y + f) * place.scale + place.y };
    },
    /** Of the decoded grid; the view turns it upright. */
    setSize(height, width, rotation = 0) {
      size = { height, width };
      upright = uprightOf(rotation, height, width);
      fit();
    },
    restore(state) {
      if (state.fitted) return fit();
      fitted = false;
      move(state.scale, state.x, state.y);
    },
    fit,
    /** Zooms by a factor about a point of the canvas, its middle by default. */
    zoom(factor, about = { x: canvas.clientWidth / 2, y: canvas.clientHeight / 2 }) {
      const scale = Math.min(MAX_SCALE, Math.max(smallest(), place.scale * factor));
      const grown = scale / place.scale;
      fitted = false;
      move(scale, about.x - (about.x - place.x) * grown, about.y - (about.y - place.y) * grown);
    },
    pan(dx, dy) {
      fitted = false;
      move(place.scale, place.x + dx, place.y + dy);
    },
    show(next) {
      scene = next;
      request();
    },
    setStyle(next) {
      style = { ...style, ...next };
      request();
    },
    redraw: request,
  };

  function smallest() {
    return Math.min(1, fitScale()) / 2;
  }

  function fitScale() {
    const room = 16;
    const scale = Math.min((canvas.clientWidth - room) / upright.width, (canvas.clientHeight - room) / upright.height);
    return scale > 0 ? Math.min(scale, MAX_SCALE) : 1;
  }

  function fit() {
    const scale = fitScale();
    move(scale, (canvas.clientWidth - upright.width * scale) / 2, (canvas.clientHeight - upright.height * scale) / 2);
    fitted = true;
  }

  function move(scale, x, y) {
    // A corner of the picture always stays visible.
    const keep = 48;
    place = {
      scale,
      x: Math.min(canvas.clientWidth - keep, Math.max(keep - upright.width * scale, x)),
      y: Math.min(canvas.clientHeight - keep, Math.max(keep - upright.height * scale, y)),
    };
    request();
    onView(view);
  }

  function draw() {
    const ratio = window.devicePixelRatio || 1;
    const [width, height] = [Math.round(canvas.clientWidth * ratio), Math.round(canvas.clientHeight * ratio)];
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.fillStyle = getComputedStyle(canvas).backgroundColor;
    context.fillRect(0, 0, width, height);
    if (!scene?.frame) return onDraw(scene);
    const [a, b, c, d, e, f] = upright.matrix;
    const scale = place.scale * ratio;
    context.setTransform(scale * a, scale * b, scale * c, scale * d, scale * e + place.x * ratio, scale * f + place.y * ratio);
    context.imageSmoothingEnabled = scale < 1;
    context.imageSmoothingQuality = "high";
    context.drawImage(scene.frame.bitmap, 0, 0, size.width, size.height);
    if (scene.under) {
      context.globalAlpha = 0.5;
      context.drawImage(scene.under.bitmap, 0, 0, size.width, size.height);
      context.globalAlpha = 1;
    }
    if (style.marks) for (const item of scene.marks ?? []) drawMark(item);
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    decorate(context, view);
    onDraw(scene);
  }

  function drawMark({ mark, colour, faint = false, selected = false }) {
    if (!mark.box) return;
    const key = colour.join();
    let ready = drawn.get(mark);
    if (ready?.key !== key) drawn.set(mark, (ready = { key, fill: fillOf(mark, colour, 1), outline: ready?.outline ?? outlineOf(mark) }));
    if (style.fill) {
      context.imageSmoothingEnabled = false;
      context.globalAlpha = faint ? FILL / 2.5 : FILL;
      context.drawImage(ready.fill, mark.box.x0, mark.box.y0);
      context.globalAlpha = 1;
    }
    context.lineCap = "square";
    context.strokeStyle = HALO;
    context.lineWidth = (selected ? 4.5 : 3) / place.scale;
    context.stroke(ready.outline);
    context.strokeStyle = css(colour);
    context.lineWidth = (selected ? 2.5 : 1.25) / place.scale;
    context.stroke(ready.outline);
  }

  new ResizeObserver(() => {
    if (fitted) fit();
    else request();
  }).observe(canvas);
  return view;
}
