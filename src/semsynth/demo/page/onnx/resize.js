// Pillow's bicubic resizing of 8-bit pictures, with antialiasing: encoders were trained on such pictures. Equal to the
// bit where one side changes; where both do, Pillow 13 begins with the vertical side at times and rounds otherwise.

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
    return { first, factors: Float64Array.from(raw, (value) => roundAway((value / sum) * 2 ** BITS)) };
  });
}

function roundAway(value) {
  return Math.trunc(value < 0 ? value - 0.5 : value + 0.5);
}

/** One direction: each of `lines` lines, `from` places that lie `step` apart, becomes `to` places. */
function along(pixels, lines, from, to, { step, apart, apartMade }) {
  const made = new Uint8ClampedArray(lines * to * 3), plan = weights(from, to);
  for (let line = 0; line < lines; line++) {
    for (let place = 0; place < to; place++) {
      const { first, factors } = plan[place];
      for (let channel = 0; channel < 3; channel++) {
        let sum = 2 ** (BITS - 1), at = (line * apart + first * step) * 3 + channel;
        for (let i = 0; i < factors.length; i++, at += 3 * step) sum += factors[i] * pixels[at];
        made[(line * apartMade + place * step) * 3 + channel] = Math.floor(sum / 2 ** BITS);
      }
    }
  }
  return made;
}

/** RGB bytes (height*width*3) resized to (toHeight*toWidth*3). */
export function resizeBicubic(pixels, [height, width], [toHeight, toWidth]) {
  let made = pixels;
  if (width !== toWidth) made = along(made, height, width, toWidth, { step: 1, apart: width, apartMade: toWidth });
  if (height !== toHeight) made = along(made, toWidth, height, toHeight, { step: toWidth, apart: 1, apartMade: 1 });
  return made;
}
