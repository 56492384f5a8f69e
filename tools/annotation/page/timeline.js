// The timeline: one row per object, and above it the frames that were seen, locked or in doubt. Every state has its own shape and colour.

import { clear, followPointer, onceAFrame } from "../shared/canvas.js";
import { css } from "../shared/colours.js";

const TOP_PX = 18; // numbers
const FLAGS_PX = 12; // seen, locked, in doubt
const ROW_PX = 11;
const MAX_ROWS = 6;
const SIDE_PX = 8;

/**
 * Draws into `canvas` what `look()` gives: {count, frame, shown, seen, locked, disputed, range, job, rows: [{id, colour, selected, masks:
 * Map frame → {keyframe, proposal, empty}}]}. `onSeek(frame)` is called with the frame at the pointer.
 */
export function timelineIn(canvas, { look, onSeek }) {
  const context = canvas.getContext("2d");

  const xOf = (frame, count) => SIDE_PX + ((canvas.clientWidth - 2 * SIDE_PX) * frame) / count;

  const request = onceAFrame(draw);

  function draw() {
    const data = look();
    if (!data) return;
    const rows = Math.max(1, Math.min(MAX_ROWS, data.rows.length));
    const height = TOP_PX + FLAGS_PX + rows * ROW_PX + 6;
    clear(canvas, height);
    drawScale(data);
    drawFlags(data);
    // If there are more objects than rows, the rows around the selected object are shown.
    const selected = data.rows.findIndex((row) => row.selected);
    const first = Math.max(0, Math.min(data.rows.length - rows, selected - rows + 1));
    data.rows.slice(first, first + rows).forEach((row, place) => drawRow(row, data.count, TOP_PX + FLAGS_PX + place * ROW_PX));
    drawRange(data, height);
    drawHead(data, height);
  }

  function drawScale({ count }) {
    context.fillStyle = "#a9b0ba";
    context.font = "11px system-ui, sans-serif";
    context.textBaseline = "top";
    const room = (canvas.clientWidth - 2 * SIDE_PX) / count;
    const step = [1, 2, 5, 10, 20, 25, 50, 100, 200, 250, 500, 1000, 2000, 5000, 10000].find((each) => each * room >= 46) ?? count;
    for (let frame = 0; frame < count; frame += step) {
      const x = xOf(frame, count);
      context.fillRect(x, TOP_PX - 4, 1, 4);
      const text = String(frame);
      const wide = context.measureText(text).width;
      context.fillText(text, Math.max(0, Math.min(canvas.clientWidth - wide, x - wide / 2 + room / 2)), 0);
    }
  }

  function drawFlags({ count, seen, locked, disputed }) {
    context.fillStyle = "#2c3037";
    context.fillRect(SIDE_PX, TOP_PX + 3, canvas.clientWidth - 2 * SIDE_PX, 4);
    context.fillStyle = "#8fa3b8";
    for (const [first, last] of seen) bar(first, last, count, TOP_PX + 3, 4);
    for (const [first, last] of locked) {
      const [x0, x1] = [xOf(first, count), Math.max(xOf(first, count) + 2, xOf(last + 1, count))];
      context.fillStyle = "#f3f4f6";
      context.fillRect(x0, TOP_PX, x1 - x0, 10);
      context.save();
      context.beginPath();
      context.rect(x0, TOP_PX, x1 - x0, 10);
      context.clip();
      context.strokeStyle = "#17181b";
      context.lineWidth = 1.5;
      for (let x = x0 - 10; x < x1; x += 5) {
        context.beginPath();
        context.moveTo(x, TOP_PX + 10);
        context.lineTo(x + 10, TOP_PX);
        context.stroke();
      }
      context.restore();
    }
    for (const frame of disputed) {
      const x = xOf(frame + 0.5, count);
      context.fillStyle = "#ff9d8a";
      context.strokeStyle = "#17181b";
      context.lineWidth = 1;
      context.beginPath();
      context.moveTo(x - 5.5, TOP_PX - 1);
      context.lineTo(x + 5.5, TOP_PX - 1);
      context.lineTo(x, TOP_PX + 9);
      context.closePath();
      context.fill();
      context.stroke();
    }
  }

  function bar(first, last, count, y, height) {
    const x = xOf(first, count);
    context.fillRect(x, y, Math.max(1, xOf(last + 1, count) - x), height);
  }

  function drawRow({ colour, selected, masks }, count, y) {
    context.fillStyle = selected ? "#343a44" : "#24272d";
    context.fillRect(SIDE_PX, y + 1, canvas.clientWidth - 2 * SIDE_PX, ROW_PX - 2);
    for (const [frame, { proposal, empty }] of masks) {
      if (empty) continue;
      context.fillStyle = css(colour, proposal ? 0.4 : 0.85);
      bar(frame, frame, count, y + (proposal ? 4 : 2.5), ROW_PX - (proposal ? 8 : 5));
    }
    const size = Math.min(5, ROW_PX / 2);
    for (const [frame, { keyframe, empty }] of masks) {
      if (!keyframe) continue;
      const [x, middle] = [xOf(frame + 0.5, count), y + ROW_PX / 2];
      context.beginPath();
      context.moveTo(x, middle - size);
      context.lineTo(x + size, middle);
      context.lineTo(x, middle + size);
      context.lineTo(x - size, middle);
      context.closePath();
      context.fillStyle = empty ? "#17181b" : "#fff";
      context.fill();
      context.strokeStyle = empty ? css(colour) : "#17181b";
      context.lineWidth = 1.25;
      context.stroke();
    }
  }

  function drawRange({ count, range, job }, height) {
    if (range) {
      const [x0, x1] = [xOf(range[0], count), xOf(range[1] + 1, count)];
      context.fillStyle = "rgb(108 178 255 / 0.16)";
      context.fillRect(x0, TOP_PX - 4, x1 - x0, height - TOP_PX + 4);
      context.fillStyle = "#6cb2ff";
      context.fillRect(x0, TOP_PX - 4, 2, height - TOP_PX + 4);
      context.fillRect(x1 - 2, TOP_PX - 4, 2, height - TOP_PX + 4);
    }
    if (job) {
      const way = job.last < job.first ? -1 : 1;
      const reached = job.first + way * Math.round((Math.abs(job.stop - job.first) * job.done) / Math.max(1, job.total));
      context.fillStyle = "#6cb2ff";
      bar(Math.min(job.first, reached), Math.max(job.first, reached), count, height - 4, 3);
    }
  }

  function drawHead({ count, frame, shown }, height) {
    for (const [index, colour] of [[frame, "rgb(255 255 255 / 0.35)"], [shown, "#fff"]]) {
      if (index === null) continue;
      const [x0, x1] = [xOf(index, count), xOf(index + 1, count)];
      context.fillStyle = colour;
      context.fillRect(x0, TOP_PX - 4, Math.max(2, Math.min(2, x1 - x0)), height - TOP_PX + 4);
      context.fillStyle = "rgb(255 255 255 / 0.13)";
      context.fillRect(x0, TOP_PX - 4, Math.max(2, x1 - x0), height - TOP_PX + 4);
    }
  }

  const seek = (event) => {
    const { count } = look();
    const { left } = canvas.getBoundingClientRect();
    const share = (event.clientX - left - SIDE_PX) / (canvas.clientWidth - 2 * SIDE_PX);
    onSeek(Math.max(0, Math.min(count - 1, Math.floor(share * count))));
  };
  followPointer(canvas, seek);
  new ResizeObserver(request).observe(canvas);
  return { redraw: request };
}
