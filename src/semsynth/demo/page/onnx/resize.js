// Pillow's bicubic resizing of 8-bit pictures, with antialiasing, to the bit: encoders were trained on such pictures.

const BITS = 22; // after the point of a coefficient

function cubic(x) {
  const a = -0.5, t = Math.abs(x);
  if (t < 1) return ((a + 2) * t - (a + 3)) * t * t + 1;
  if (t < 2) return (((t - 5) * t + 8) * t - 4) * a;
  return 0;
}

/** For each of `to` places: the first of `from` places that it is made of, and their whole-numbered weights. */
function weights(from, to) {
  const ratio = from / to, spread = Math.max(ratio, 1), support = 2 * spread;
  return Array.from({ length: to }, (_, place) => {
    const centre = (place + 0.5) * ratio;
    const first = Math.max(0, Math.trunc(centre - support + 0.5));
    const last = Math.min(from, Math.trunc(centre + support + 0.5));
    const raw = Array.from({ length: last - first }, (_, i) => cubic((i + first - centre + 0.5) * (1 / spread)));
    const sum = raw.reduce((a, b) => a + b, 0);
    return { first, factors: raw.map((value) => roundAway((value / sum) * 2 ** BITS)) };
  });
}

function roundAway(value) {
  return Math.trunc(value < 0 ? value - 0.5 : value + 0.5);
}

/** One direction: `lines` lines whose places lie `step` apart, `apart` from line to line. */
function along(pixels, from, to, lines, { step, apart, stepOut, apartOut }) {
  const made = new Uint8ClampedArray(to * lines * 3);
  weights(from, to).forEach(({ first, factors }, place) => {
    for (let line = 0; line < lines; line++) {
      for (let channel = 0; channel < 3; channel++) {
        let sum = 2 ** (BITS - 1);
        factors.forEach((factor, i) => {
          sum += factor * pixels[(line * apart + (first + i) * step) * 3 + channel];
        });
        made[(line * apartOut + place * stepOut) * 3 + channel] = Math.floor(sum / 2 ** BITS);
      }
    }
  });
  return made;
}

/** RGB bytes (height*width*3) resized to (toHeight*toWidth*3). */
export function resizeBicubic(pixels, [height, width], [toHeight, toWidth]) {
  let made = pixels;
  if (width !== toWidth) {
    made = along(made, width, toWidth, height, { step: 1, apart: width, stepOut: 1, apartOut: toWidth });
  }
  if (height !== toHeight) {
    made = along(made, height, toHeight, toWidth, { step: toWidth, apart: 1, stepOut: toWidth, apartOut: 1 });
  }
  return made;
}
