/** Radio buttons that look like tools: one is chosen, arrow keys go from one to the next. */

/**
 * @param group    element with role radiogroup
 * @param items    [{title, about, mark}], mark: an element to stand before the title
 * @param chosen   called with the index
 */
export class Choice {
  constructor(group, items, chosen) {
    this.chosen = chosen;
    this.buttons = items.map(({ title, about, mark, keys }, index) => {
      const button = document.createElement("button");
      button.type = "button";
      button.setAttribute("role", "radio");
      if (keys) button.setAttribute("aria-keyshortcuts", keys);
      button.title = about ? `${title}: ${about}` : title;
      if (mark) button.append(mark);
      button.append(title);
      button.addEventListener("click", () => this.choose(index));
      button.addEventListener("keydown", (event) => this.key(event, index));
      group.append(button);
      return button;
    });
  }

  /** Marks the choice without telling of it. */
  show(index) {
    this.index = index;
    this.buttons.forEach((button, place) => {
      button.setAttribute("aria-checked", place === index);
      button.tabIndex = place === index ? 0 : -1;
    });
  }

  choose(index) {
    this.show(index);
    this.chosen(index);
  }

  key(event, index) {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    event.stopPropagation();
    let next = index;
    do next = (next + step + this.buttons.length) % this.buttons.length; while (this.buttons[next].hidden);
    this.choose(next);
    this.buttons[next].focus();
  }
}

/** A square in a colour. */
export function swatch([r, g, b]) {
  const mark = document.createElement("span");
  mark.className = "swatch";
  mark.style.backgroundColor = `rgb(${r} ${g} ${b})`;
  return mark;
}
