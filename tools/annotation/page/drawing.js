// The tools on the picture. Pointer and keyboard events become clicks, boxes, polygons and strokes in picture coordinates.

import { css } from "../shared/colours.js";

/** [tool, label, instruction, command]. The icon of a tool has the tool's name. */
export const TOOLS = [
  ["box", "Box", "Drag a box around what is broken."],
  ["plus", "Add", "Click on what belongs to the object. Right button: what does not."],
  ["minus", "Remove", "Click on what does not belong to the object. Right button: what does."],
  ["polygon", "Polygon", "Click corner by corner. Enter or a double click closes it, Esc stops."],
  ["cut", "Cut", "Click corner by corner around what is to be cut away. Enter closes it."],
  ["brush", "Brush", "Paint what is broken. Keys [ and ] change the size."],
  ["eraser", "Eraser", "Rub out what is not broken. Keys [ and ] change the size."],
  ["move", "Move", "Drag the picture. The wheel makes it larger or smaller."],
];

const NEAR_PX = 10;
const STILL_PX = 4;

/**
 * Listens on the picture's canvas. `on` is {click({x, y, positive}), box([x0, y0, x1, y1]), polygon({points, add}), stroke({points,
 * radius, add}), hover(point or null)}; `mayDraw()` returns whether drawing is allowed now, and shows why not.
 */
export function drawingOn(canvas, view, { mayDraw, on }) {
  let tool = "box";
  let radius = 8;
  let colour = [255, 255, 255];
  let drag = null; // {kind, from, points, button}
  let polygon = []; // corners so far, in picture coordinates
  let corner = null; // first corner of a box made with the keyboard
  let cross = null; // the keyboard's cross
  let pointer = null; // where the mouse is, in picture coordinates
  const touches = new Map();

  const place = (event) => {
    const { left, top } = canvas.getBoundingClientRect();
    return { x: event.clientX - left, y: event.clientY - top };
  };
  const clamp = ({ x, y }) => ({ x: Math.min(view.size.width, Math.max(0, x)), y: Math.min(view.size.height, Math.max(0, y)) });
  const inside = ({ x, y }) => x >= 0 && y >= 0 && x < view.size.width && y < view.size.height;
  const distance = (a, b) => Math.hypot(a.x - b.x, a.y - b.y);

  canvas.addEventListener("contextmenu", (event) => event.preventDefault());
  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    const step = event.deltaMode === 1 ? event.deltaY * 30 : event.deltaY;
    view.zoom(Math.exp(-step * 0.0016), place(event));
  }, { passive: false });

  canvas.addEventListener("pointerdown", (event) => {
    canvas.focus({ preventScroll: true });
    canvas.setPointerCapture(event.pointerId);
    const at = place(event);
    touches.set(event.pointerId, at);
    if (touches.size === 2) {
      drag = { kind: "pinch" };
      view.redraw();
      return;
    }
    cross = null;
    if (event.button === 1 || tool === "move") drag = { kind: "pan", from: at, last: at };
    else if (event.button > 2 || !mayDraw()) drag = { kind: "pan", from: at, last: at };
    else start(at, event);
    event.preventDefault();
  });

  function start(at, event) {
    const point = view.toPicture(at);
    if (tool === "plus" || tool === "minus") {
      const flipped = event.button === 2 || event.altKey;
      drag = { kind: "click", from: at, last: at, positive: (tool === "plus") !== flipped };
    } else if (event.button === 2) drag = { kind: "pan", from: at, last: at };
    else if (tool === "box") drag = { kind: "box", from: point, to: point };
    else if (tool === "polygon" || tool === "cut") addCorner(point, event.detail >= 2);
    else drag = { kind: "stroke", points: [[point.x, point.y]] };
    view.redraw();
  }

  canvas.addEventListener("pointermove", (event) => {
    const at = place(event);
    const point = view.toPicture(at);
    const before = touches.get(event.pointerId);
    if (before) touches.set(event.pointerId, at);
    pointer = point;
    on.hover(inside(point) ? point : null);
    if (drag?.kind === "pinch" && before && touches.size === 2) pinch(event.pointerId, before, at);
    else if (drag?.kind === "click" && distance(drag.from, at) > STILL_PX) drag = { kind: "pan", from: drag.from, last: drag.last };
    if (drag?.kind === "pan") {
      view.pan(at.x - drag.last.x, at.y - drag.last.y);
      drag.last = at;
    } else if (drag?.kind === "box") drag.to = point;
    else if (drag?.kind === "stroke") {
      // All positions since the last event: a fast stroke keeps its form.
      for (const each of event.getCoalescedEvents?.() ?? []) {
        const { x, y } = view.toPicture(place(each));
        drag.points.push([x, y]);
      }
      drag.points.push([point.x, point.y]);
    }
    view.redraw();
  });

  function pinch(id, before, at) {
    const other = [...touches].find(([otherId]) => otherId !== id)[1];
    view.pan((at.x - before.x) / 2, (at.y - before.y) / 2);
    const middle = { x: (at.x + other.x) / 2, y: (at.y + other.y) / 2 };
    view.zoom(distance(at, other) / Math.max(1, distance(before, other)), middle);
  }

  const release = (event) => {
    touches.delete(event.pointerId);
    const done = drag;
    if (done?.kind === "pinch") {
      if (!touches.size) drag = null;
      return;
    }
    drag = null;
    view.redraw();
    if (event.type === "pointercancel") return;
    if (done?.kind === "click") {
      const point = view.toPicture(done.from);
      if (inside(point)) on.click({ ...point, positive: done.positive });
    } else if (done?.kind === "box") finishBox(done.from, done.to);
    else if (done?.kind === "stroke") finishStroke(done.points);
  };
  canvas.addEventListener("pointerup", release);
  canvas.addEventListener("pointercancel", release);
  canvas.addEventListener("pointerleave", () => {
    pointer = null;
    on.hover(null);
    view.redraw();
  });

  function finishBox(a, b) {
    const [from, to] = [clamp(a), clamp(b)];
    const box = [Math.min(from.x, to.x), Math.min(from.y, to.y), Math.max(from.x, to.x), Math.max(from.y, to.y)];
    if ((box[2] - box[0]) * view.scale < 3 || (box[3] - box[1]) * view.scale < 3) return;
    on.box(box.map((value) => Math.round(value * 100) / 100));
  }

  function finishStroke(points) {
    // Points closer than a small part of the brush's radius change nothing.
    const least = Math.max(0.5, radius / 6);
    const kept = [points[0]];
    for (const point of points) if (Math.hypot(point[0] - kept.at(-1)[0], point[1] - kept.at(-1)[1]) >= least) kept.push(point);
    on.stroke({ points: kept.map(([x, y]) => [round(x), round(y)]), radius, add: tool === "brush" });
  }

  function addCorner(point, isDouble) {
    const closes = polygon.length >= 3 && (isDouble || distance(view.toCanvas(polygon[0]), view.toCanvas(point)) < NEAR_PX);
    if (closes) return closePolygon();
    const last = polygon.at(-1);
    if (!last || distance(view.toCanvas(last), view.toCanvas(point)) > 1) polygon.push(clamp(point));
  }

  function closePolygon() {
    const points = polygon.map(({ x, y }) => [round(x), round(y)]);
    polygon = [];
    view.redraw();
    if (points.length >= 3) on.polygon({ points, add: tool === "polygon" });
  }

  const round = (value) => Math.round(value * 100) / 100;

  /** Draws what is being made, in screen pixels. */
  function decorate(context) {
    context.lineJoin = "round";
    if (drag?.kind === "box") strokeRect(context, view, [drag.from.x, drag.from.y, drag.to.x, drag.to.y], css(colour));
    if (corner && cross) strokeRect(context, view, [corner.x, corner.y, cross.x, cross.y], css(colour));
    if (drag?.kind === "stroke") strokeLine(context, drag.points);
    if (polygon.length) polygonLine(context);
    const at = pointer ?? cross;
    if ((tool === "brush" || tool === "eraser") && at && !drag) ring(context, at);
    if (cross) crossLines(context);
  }

  function strokeLine(context, points) {
    context.beginPath();
    for (const [x, y] of points) {
      const at = view.toCanvas({ x, y });
      context.lineTo(at.x, at.y);
    }
    if (points.length === 1) context.lineTo(view.toCanvas({ x: points[0][0], y: points[0][1] }).x + 0.01, view.toCanvas({ x: 0, y: points[0][1] }).y);
    context.lineCap = "round";
    context.lineWidth = Math.max(1, 2 * radius * view.scale);
    context.strokeStyle = tool === "brush" ? css(colour, 0.5) : "rgb(0 0 0 / 0.5)";
    context.stroke();
  }

  function polygonLine(context) {
    const path = new Path2D();
    for (const point of [...polygon, ...(pointer ? [pointer] : cross ? [cross] : [])]) {
      const at = view.toCanvas(point);
      path.lineTo(at.x, at.y);
    }
    twice(context, path, css(colour), tool === "cut" ? [5, 4] : []);
    for (const [index, point] of polygon.entries()) {
      const at = view.toCanvas(point);
      context.beginPath();
      context.arc(at.x, at.y, index ? 3 : 5, 0, 2 * Math.PI);
      context.fillStyle = css(colour);
      context.fill();
      context.strokeStyle = "#000";
      context.lineWidth = 1;
      context.stroke();
    }
  }

  function ring(context, point) {
    const at = view.toCanvas(point);
    const path = new Path2D();
    path.arc(at.x, at.y, Math.max(1.5, radius * view.scale), 0, 2 * Math.PI);
    twice(context, path, tool === "brush" ? css(colour) : "#fff", tool === "eraser" ? [3, 3] : []);
  }

  function crossLines(context) {
    const at = view.toCanvas(cross);
    const path = new Path2D();
    path.moveTo(at.x - 14, at.y);
    path.lineTo(at.x + 14, at.y);
    path.moveTo(at.x, at.y - 14);
    path.lineTo(at.x, at.y + 14);
    twice(context, path, "#fff");
  }

  return {
    decorate,
    get tool() {
      return tool;
    },
    get radius() {
      return radius;
    },
    setTool(next) {
      tool = next;
      polygon = [];
      corner = null;
      canvas.dataset.tool = tool;
      view.redraw();
    },
    setRadius(next) {
      radius = Math.min(200, Math.max(0.5, next));
      view.redraw();
    },
    setColour(next) {
      colour = next;
      view.redraw();
    },
    /** Moves the keyboard's cross by some pixels of the screen, or by one pixel of the picture. */
    moveCross(dx, dy, fine) {
      const step = fine ? view.scale : Math.max(12, view.scale);
      const { width, height } = view.size;
      cross ??= { x: Math.floor(width / 2) + 0.5, y: Math.floor(height / 2) + 0.5 };
      const from = view.toCanvas(cross);
      const { x, y } = view.toPicture({ x: from.x + dx * step, y: from.y + dy * step });
      cross = { x: Math.min(width - 0.5, Math.max(0.5, x)), y: Math.min(height - 0.5, Math.max(0.5, y)) };
      on.hover(cross);
      view.redraw();
    },
    /** Clicks at the cross; closes the polygon if its first corner is there. */
    clickCross() {
      if (polygon.length >= 3 && (!cross || distance(cross, polygon.at(-1)) < 0.01)) return closePolygon();
      if (!cross || tool === "move" || !mayDraw()) return;
      if (tool === "plus" || tool === "minus") on.click({ ...cross, positive: tool === "plus" });
      else if (tool === "polygon" || tool === "cut") addCorner(cross, false);
      else if (tool === "box") {
        if (corner) finishBox(corner, cross);
        corner = corner ? null : { ...cross };
      } else on.stroke({ points: [[cross.x, cross.y]], radius, add: tool === "brush" });
      view.redraw();
    },
    /** Cancels an unfinished drawing. Returns whether there was one. */
    escape() {
      const had = polygon.length > 0 || drag !== null || corner !== null || cross !== null;
      polygon = [];
      drag = corner = cross = null;
      view.redraw();
      return had;
    },
    /** Removes the last corner of the polygon. Returns whether there was one. */
    undoCorner: () => polygon.pop() !== undefined && (view.redraw(), true),
  };
}

/** A dashed box given in picture coordinates, seen on light and on dark. */
export function strokeRect(context, view, [x0, y0, x1, y1], colour) {
  const a = view.toCanvas({ x: x0, y: y0 });
  const b = view.toCanvas({ x: x1, y: y1 });
  const path = new Path2D();
  path.rect(a.x, a.y, b.x - a.x, b.y - a.y);
  twice(context, path, colour, [6, 4]);
}

/** The clicks of a mask: a plus in a round sign, a minus in a square one. */
export function drawClicks(context, view, clicks) {
  for (const [x, y, positive] of clicks) {
    const at = view.toCanvas({ x, y });
    const path = new Path2D();
    if (positive) path.arc(at.x, at.y, 7, 0, 2 * Math.PI);
    else path.rect(at.x - 6.5, at.y - 6.5, 13, 13);
    context.fillStyle = positive ? "#0b7a5b" : "#1a1a1a";
    context.fill(path);
    context.strokeStyle = "#fff";
    context.lineWidth = 1.75;
    context.stroke(path);
    context.beginPath();
    context.moveTo(at.x - 3.5, at.y);
    context.lineTo(at.x + 3.5, at.y);
    if (positive) {
      context.moveTo(at.x, at.y - 3.5);
      context.lineTo(at.x, at.y + 3.5);
    }
    context.stroke();
  }
}

function twice(context, path, colour, dash = []) {
  context.setLineDash([]);
  context.lineCap = "butt";
  context.strokeStyle = "rgb(0 0 0 / 0.7)";
  context.lineWidth = 3.5;
  context.stroke(path);
  context.setLineDash(dash);
  context.strokeStyle = colour;
  context.lineWidth = 1.5;
  context.stroke(path);
  context.setLineDash([]);
}
