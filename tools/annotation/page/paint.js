// Shapes into bitmaps. A pixel belongs to a shape when its middle does: column c of row r has its middle at (c + 0.5, r + 0.5).

/** Sets the pixels under a round brush of `radius` along the points [[x, y]...] to `value`; one point is a dot. */
export function strokeInto(bitmap, height, width, { points, radius, value }) {
  points.forEach((to, index) => {
    const from = points[Math.max(0, index - 1)];
    const [dx, dy] = [to[0] - from[0], to[1] - from[1]];
    const squared = dx * dx + dy * dy;
    const reach = radius * radius;
    const [x0, x1] = rangeOf(Math.min(from[0], to[0]) - radius, Math.max(from[0], to[0]) + radius, width);
    const [y0, y1] = rangeOf(Math.min(from[1], to[1]) - radius, Math.max(from[1], to[1]) + radius, height);
    for (let y = y0; y < y1; y++) {
      for (let x = x0; x < x1; x++) {
        const [px, py] = [x + 0.5 - from[0], y + 0.5 - from[1]];
        const along = squared ? Math.min(1, Math.max(0, (px * dx + py * dy) / squared)) : 0;
        if ((px - along * dx) ** 2 + (py - along * dy) ** 2 <= reach) bitmap[y * width + x] = value;
      }
    }
  });
  // The thinnest brush still paints the pixel that it points at.
  for (const [x, y] of points) {
    if (x >= 0 && y >= 0 && x < width && y < height) bitmap[Math.floor(y) * width + Math.floor(x)] = value;
  }
}

/** Sets the pixels inside the closed polygon of the points [[x, y]...] to `value`, by the even-odd rule. */
export function polygonInto(bitmap, height, width, { points, value }) {
  const [y0, y1] = rangeOf(Math.min(...points.map(([, y]) => y)), Math.max(...points.map(([, y]) => y)), height);
  for (let row = y0; row < y1; row++) {
    const middle = row + 0.5;
    const crossings = [];
    points.forEach(([ax, ay], index) => {
      const [bx, by] = points[(index + 1) % points.length];
      if (ay <= middle !== by <= middle) crossings.push(ax + ((middle - ay) / (by - ay)) * (bx - ax));
    });
    crossings.sort((a, b) => a - b);
    for (let pair = 0; pair + 1 < crossings.length; pair += 2) {
      // Middles in [left, right): a border that passes through a middle belongs to one side only.
      const from = Math.max(0, Math.ceil(crossings[pair] - 0.5));
      const to = Math.min(width, Math.ceil(crossings[pair + 1] - 0.5));
      if (from < to) bitmap.fill(value, row * width + from, row * width + to);
    }
  }
}

const rangeOf = (low, high, limit) => [Math.max(0, Math.floor(low)), Math.min(limit, Math.ceil(high) + 1)];
