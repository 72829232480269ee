/** What the page keeps in the browser, so that it reopens where it was left. */

const PREFIX = "semsynth-painting:";

const encoded = (bytes) => btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
const decoded = (text) => Uint8Array.from(atob(text), (sign) => sign.charCodeAt(0));

/** What was kept for a run, or null where nothing was or it cannot be used any more. */
export function remembered({ key, width, height, classes }) {
  try {
    const kept = JSON.parse(localStorage.getItem(PREFIX + key));
    const ids = decoded(kept.ids);
    const fits = ids.length === width * height && ids.every((id) => id < classes.length);
    return fits ? { ...kept, ids } : null;
  } catch {
    return null;
  }
}

/** Keeps it; where the browser does not let us, the page goes on without. */
export function remember({ key }, { ids, ...rest }) {
  try {
    localStorage.setItem(PREFIX + key, JSON.stringify({ ...rest, ids: encoded(ids) }));
  } catch {
    // full, or switched off
  }
}
