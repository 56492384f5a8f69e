// The colours of brokenvideos.masks.overlay: one per artifact type, one shade per object of a type. A test keeps the two alike.

export const TYPE_COLOURS = { motion: [213, 94, 0], deformation: [86, 180, 233], blur: [240, 228, 66] };

/** Objects without a type: reddish purple of the same palette (Okabe and Ito, "Color Universal Design", 2008). */
export const NO_TYPE_COLOUR = [204, 121, 167];

/** Comparison of truth and another source, in colours of the palette: both bluish green, only truth vermilion, only the other yellow. */
export const COMPARED_COLOURS = { both: [0, 158, 115], first: [213, 94, 0], second: [240, 228, 66] };

export const LABEL_COLOURS = { normal: [0, 158, 115], broken: [204, 62, 62] };

const SHADES = [[255, 0], [255, 0.5], [0, 0.38], [255, 0.75]];

/** [red, green, blue] per object, for their types in order. */
export function objectColours(types) {
  return types.map((type, index) => {
    const before = types.slice(0, index).filter((other) => other === type).length;
    const [toward, share] = SHADES[before % SHADES.length];
    return (TYPE_COLOURS[type] ?? NO_TYPE_COLOUR).map((part) => roundHalfEven(part + (toward - part) * share));
  });
}

function roundHalfEven(value) {
  const floor = Math.floor(value);
  return value - floor === 0.5 ? floor + (floor % 2) : Math.round(value);
}

/** A colour as CSS text. */
export const css = ([red, green, blue], alpha = 1) => `rgb(${red} ${green} ${blue} / ${alpha})`;
