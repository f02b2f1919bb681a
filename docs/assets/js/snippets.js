/* Copy buttons for snippets, and for the SQL of a command by itself. The theme's script does the copying. */
"use strict";

(() => {
  document.querySelectorAll(".rb-snippet").forEach((snippet, at) => {
    const pre = snippet.querySelector("pre");
    const title = snippet.closest(".rb-step")?.querySelector(".rb-step__title label")?.textContent.trim();
    pre.id = `snippet-${at + 1}`;
    const button = document.createElement("button");
    button.className = "md-code__button";
    button.type = "button";
    button.title = title ? `Copy: ${title}` : "Copy";
    button.dataset.mdType = "copy";
    button.dataset.clipboardTarget = `#${pre.id} code`;
    const frame = document.createElement("span");
    frame.className = "md-code__nav";
    frame.append(button);
    pre.prepend(frame);
  });

  /* Undo the shell's quotes around the last word of a command. */
  function unquoted(line) {
    const word = line.slice(line.indexOf(" -- ") + 4).trim();
    return word.startsWith('"') ? word.slice(1, -1) : word.slice(1, -1).replaceAll(`'"'"'`, "'");
  }

  for (const place of document.querySelectorAll(".rb-sql-alone")) {
    const code = place.previousElementSibling?.querySelector("code");
    if (!code) continue;
    place.hidden = false;
    const button = place.firstElementChild;
    button.addEventListener("click", () => { button.dataset.clipboardText = unquoted(code.innerText); });
  }
})();
