// Functions for every canvas: draw once per screen frame, set the size in screen pixels, report the pointer.

/** A function that schedules `draw` for the next screen frame. Several calls draw only once. */
export function onceAFrame(draw) {
  let due = false;
  return () => {
    if (due) return;
    due = true;
    requestAnimationFrame(() => {
      due = false;
      draw();
    });
  };
}

/** Gives a canvas this height, in CSS pixels, and empties it; its context then counts in CSS pixels. */
export function clear(canvas, height) {
  const context = canvas.getContext("2d");
  const ratio = window.devicePixelRatio || 1;
  if (canvas.style.height !== `${height}px`) canvas.style.height = `${height}px`;
  const [wide, high] = [Math.round(canvas.clientWidth * ratio), Math.round(height * ratio)];
  if (canvas.width !== wide || canvas.height !== high) Object.assign(canvas, { width: wide, height: high });
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, canvas.clientWidth, height);
}

/** Calls `onPoint(event)` when the canvas is pressed, and while the pressed pointer moves. */
export function followPointer(canvas, onPoint) {
  let held = false;
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    held = true;
    onPoint(event);
  });
  canvas.addEventListener("pointermove", (event) => held && onPoint(event));
  for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, () => (held = false));
}
