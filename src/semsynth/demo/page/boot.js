/**
 * Loads the page, once more where the server was too busy to give all of its files; says why where that does not help.
 * No module, so that it runs where modules cannot be loaded.
 */
(() => {
  const TRIES = 4;
  const KEPT = "semsynth-tries";
  const tries = Number(sessionStorage.getItem(KEPT)) || 0;
  import("./main.js").then(() => sessionStorage.removeItem(KEPT), (error) => {
    const asFile = location.protocol === "file:";
    if (!asFile && tries < TRIES) {
      sessionStorage.setItem(KEPT, tries + 1);
      setTimeout(() => location.reload(), 500 * 2 ** tries);
      return;
    }
    sessionStorage.removeItem(KEPT);
    const status = document.getElementById("status");
    status.textContent = asFile
      ? "A page that was opened as a file can read nothing: serve its folder, as with python -m http.server."
      : "Some of this page's files did not come: too many use the server at the moment. Reload the page in a while. " +
        `(${error.message})`;
    status.classList.add("failed");
  });
})();
