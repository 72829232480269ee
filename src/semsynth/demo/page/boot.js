/**
 * Loads the page, once more where the server was too busy to give all of its files; says why where that does not help.
 * No module, so that it runs where modules cannot be loaded.
 */
(() => {
  const TRIES = 4;
  const tries = history.state?.tries || 0; // kept by a reload
  import("./main.js").then(() => history.replaceState(null, ""), (error) => {
    const asFile = location.protocol === "file:";
    if (!asFile && tries < TRIES) {
      history.replaceState({ tries: tries + 1 }, "");
      setTimeout(() => location.reload(), 500 * 2 ** tries);
      return;
    }
    history.replaceState(null, "");
    const status = document.getElementById("status");
    status.textContent = asFile
      ? "A page that was opened as a file can read nothing: serve its folder, as with python -m http.server."
      : "Some of this page's files did not come: too many use the server at the moment. Reload the page in a while. " +
        `(${error.message})`;
    status.classList.add("failed");
  });
})();
