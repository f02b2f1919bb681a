/* A search box has one line. In pasted text of several lines, each line end becomes a sign. Search right after a paste. */
"use strict";

(() => {
  const box = document.querySelector(".md-search__input");
  const ask = () => box.dispatchEvent(new KeyboardEvent("keyup", { bubbles: true })); // what the theme waits for
  box?.addEventListener("paste", (event) => {
    const text = event.clipboardData?.getData("text/plain") ?? "";
    if (/\n/.test(text.trim())) {
      event.preventDefault();
      const line = text.trim().replace(/\s*\n\s*/g, " \u23ce ");
      box.setRangeText(line, box.selectionStart, box.selectionEnd, "end");
    }
    setTimeout(ask);
  });
  box?.addEventListener("drop", () => setTimeout(ask));
})();
