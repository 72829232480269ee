/** Styles that are drawn from a seed. */

export const SEEDS = 1_000_000;

/** A choice for all networks at once: drawn from one seed, or what each network's encoder says of a photograph. */
export function drawn(networks, seed = Math.floor(Math.random() * SEEDS)) {
  return { name: `seed ${seed}`, seed, of: networks.map(({ styled }) => (styled ? { seed } : null)) };
}
