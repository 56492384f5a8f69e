// The timeline of one video: numbers, J and F (or the marked share) as curves, a row for each object, all to be clicked on.

import { clear, followPointer, onceAFrame } from "../shared/canvas.js";
import { css } from "../shared/colours.js";

const TOP_PX = 17;
const CURVE_PX = 58;
const ROW_PX = 11;
const MAX_ROWS = 8;
const LEFT_PX = 34;
const RIGHT_PX = 10;
const INK = "#a9b0ba";

/**
 * Draws into `canvas` what `look()` gives: {count, frame, curves: [{name, colour, dashed, frames, values}], most, unit, annotated: ranges,
 * rows: [{name, colour, frames: Set}]}. `onSeek(frame)` hears where the person points.
 */
export function curveIn(canvas, { look, onSeek }) {
  const context = canvas.getContext("2d");

  const xOf = (frame, count) => LEFT_PX + ((canvas.clientWidth - LEFT_PX - RIGHT_PX) * frame) / count;
  const frameAt = (x, count) => Math.max(0, Math.min(count - 1, Math.floor(((x - LEFT_PX) * count) / (canvas.clientWidth - LEFT_PX - RIGHT_PX))));

  const request = onceAFrame(draw);

  function draw() {
    const shown = look();
    if (!shown || !canvas.clientWidth) return;
    const rows = shown.rows.slice(0, MAX_ROWS);
    const height = TOP_PX + CURVE_PX + 8 + Math.max(1, rows.length) * ROW_PX + 6;
    clear(canvas, height);
    drawScale(shown);
    drawCurves(shown);
    rows.forEach((row, place) => drawRow(row, shown, TOP_PX + CURVE_PX + 8 + place * ROW_PX));
    const [x0, x1] = [xOf(shown.frame, shown.count), xOf(shown.frame + 1, shown.count)];
    context.fillStyle = "rgb(108 178 255 / 0.25)";
    context.fillRect(x0, TOP_PX - 3, Math.max(2, x1 - x0), height - TOP_PX);
    context.fillStyle = "#ffffff";
    context.fillRect((x0 + x1) / 2 - 0.75, TOP_PX - 3, 1.5, height - TOP_PX);
  }

  function drawScale({ count }) {
    context.fillStyle = INK;
    context.font = "11px system-ui, sans-serif";
    context.textBaseline = "top";
    const room = (canvas.clientWidth - LEFT_PX - RIGHT_PX) / count;
    const step = [1, 2, 5, 10, 20, 25, 50, 100, 200, 250, 500, 1000, 2000, 5000].find((each) => each * room >= 46) ?? count;
    for (let frame = 0; frame < count; frame += step) {
      const text = String(frame);
      context.fillText(text, Math.min(canvas.clientWidth - context.measureText(text).width, xOf(frame + 0.5, count) - context.measureText(text).width / 2), 1);
    }
  }

  function drawCurves({ count, curves, most, unit, annotated }) {
    const bottom = TOP_PX + CURVE_PX;
    context.fillStyle = "#22262c";
    for (const [first, last] of annotated) context.fillRect(xOf(first, count), TOP_PX, xOf(last + 1, count) - xOf(first, count), CURVE_PX);
    context.fillStyle = INK;
    context.textBaseline = "middle";
    for (const share of most ? [0, 1] : []) context.fillText(`${share ? +most.toPrecision(2) : 0}${unit}`, 2, bottom - share * (CURVE_PX - 6) - 3);
    const yOf = (value) => bottom - 2 - (CURVE_PX - 8) * (most ? Math.min(1, value / most) : 0);
    for (const { frames, values, colour, dashed } of curves) {
      context.strokeStyle = colour;
      context.fillStyle = colour;
      context.lineWidth = 1.6;
      context.setLineDash(dashed ? [5, 3] : []);
      context.beginPath();
      frames.forEach((frame, place) => {
        const [x, y] = [xOf(frame + 0.5, count), yOf(values[place])];
        // A gap in the annotation is a gap in the curve.
        if (place && frames[place - 1] === frame - 1) context.lineTo(x, y);
        else context.moveTo(x, y);
      });
      context.stroke();
      context.setLineDash([]);
      if (frames.length < 80) frames.forEach((frame, place) => context.fillRect(xOf(frame + 0.5, count) - 1.5, yOf(values[place]) - 1.5, 3, 3));
    }
  }

  function drawRow({ colour, frames, name }, { count, annotated }, y) {
    context.fillStyle = "#363b44";
    for (const [first, last] of annotated) context.fillRect(xOf(first, count), y, xOf(last + 1, count) - xOf(first, count), ROW_PX - 4);
    context.fillStyle = css(colour);
    for (const frame of frames) context.fillRect(xOf(frame, count), y, Math.max(1.5, xOf(frame + 1, count) - xOf(frame, count) - 0.5), ROW_PX - 4);
    context.fillStyle = INK;
    context.textBaseline = "middle";
    context.fillText(name, 2, y + (ROW_PX - 4) / 2);
  }

  followPointer(canvas, (event) => {
    const shown = look();
    if (shown) onSeek(frameAt(event.clientX - canvas.getBoundingClientRect().left, shown.count));
  });
  new ResizeObserver(request).observe(canvas);
  return { redraw: request };
}
