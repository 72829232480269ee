// torch's normal numbers: randn(seed, count) is torch.randn(count, generator=torch.Generator().manual_seed(seed)) on a
// CPU, but for the last bits of logarithm and sine. So a seed means the same style here as on the command line.

const N = 624, M = 397;

/** Matsumoto and Nishimura's MT19937, as torch's CPU generator seeds it: by the lower 32 bits. Returns uint32 numbers. */
export function mersenneTwister(seed) {
  const state = new Uint32Array(N);
  state[0] = Number(BigInt.asUintN(32, BigInt(seed)));
  for (let i = 1; i < N; i++) {
    const before = state[i - 1] ^ (state[i - 1] >>> 30);
    state[i] = Math.imul(1812433253, before) + i;
  }
  let next = N;
  function twist() {
    for (let i = 0; i < N; i++) {
      const joined = (state[i] & 0x80000000) | (state[(i + 1) % N] & 0x7fffffff);
      state[i] = state[(i + M) % N] ^ (joined >>> 1) ^ (joined & 1 ? 0x9908b0df : 0);
    }
    next = 0;
  }
  return () => {
    if (next === N) twist();
    let y = state[next++];
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c5680;
    y ^= (y << 15) & 0xefc60000;
    return (y ^ (y >>> 18)) >>> 0;
  };
}

/** `count` numbers from N(0, 1) as a Float32Array. Torch draws fewer than 16 in another way than more of them. */
export function randn(seed, count) {
  const draw = mersenneTwister(seed);
  return count < 16 ? few(draw, count) : many(draw, count);
}

function few(draw, count) {
  const uniform = () => {
    const high = draw() & 0x1fffff, low = draw(); // 53 bits of 64
    return (high * 2 ** 32 + low) / 2 ** 53;
  };
  const values = new Float32Array(count);
  for (let i = 0; i < count; i += 2) {
    const angle = 2 * Math.PI * uniform(), radius = Math.sqrt(-2 * Math.log1p(-uniform()));
    values[i] = radius * Math.cos(angle);
    if (i + 1 < count) values[i + 1] = radius * Math.sin(angle);
  }
  return values;
}

function many(draw, count) {
  const uniform = () => (draw() & 0xffffff) / 2 ** 24;
  const values = Float32Array.from({ length: count }, uniform);
  for (let start = 0; start + 16 <= count; start += 16) transform(values, start);
  if (count % 16) { // the last 16 are drawn anew
    for (let i = count - 16; i < count; i++) values[i] = uniform();
    transform(values, count - 16);
  }
  return values;
}

/** Box and Muller's transform of 16 uniform numbers, the first eight with the last eight. */
function transform(values, start) {
  for (let i = start; i < start + 8; i++) {
    const radius = Math.sqrt(-2 * Math.log(1 - values[i])), angle = 2 * Math.PI * values[i + 8];
    values[i] = radius * Math.cos(angle);
    values[i + 8] = radius * Math.sin(angle);
  }
}
