/** Keys that work anywhere on the page, but where one types. */

/** bindings: [{keys: ["b"], words, act, shown}] ; a key with Control is written "Control+z". */
export class Keys {
  constructor(bindings, more) {
    this.acts = new Map(bindings.flatMap(({ keys, act }) => keys.map((key) => [key, act])));
    document.addEventListener("keydown", (event) => this.pressed(event));
    const dialog = document.getElementById("help");
    const list = document.getElementById("help-keys");
    for (const { keys, words, shown } of [...bindings, ...more]) {
      const term = document.createElement("dt");
      const kbd = document.createElement("kbd");
      kbd.textContent = shown || keys[0].toUpperCase();
      term.append(kbd);
      const meaning = document.createElement("dd");
      meaning.textContent = words;
      list.append(term, meaning);
    }
    document.getElementById("help-open").addEventListener("click", () => dialog.showModal());
    this.dialog = dialog;
  }

  pressed(event) {
    if (event.defaultPrevented || event.altKey || this.dialog.open) return;
    const typing = event.target.matches("input:not([type=range]):not([type=file])");
    const control = event.ctrlKey || event.metaKey;
    const shift = control && event.shiftKey ? "Shift+" : "";
    const act = this.acts.get(`${control ? "Control+" : ""}${shift}${event.key.toLowerCase()}`);
    if (!act || typing) return;
    event.preventDefault();
    act();
  }
}
