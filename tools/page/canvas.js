// What every canvas of the pages needs: one drawing a frame of the screen, its size in the screen's pixels, and where a person points.

/** A function that has `draw` called in the next frame of the screen, once however often it is called itself. */
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

/** Tells `onPoint(event)` where the canvas is pressed, and while the pointer is held down where it goes. */
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
