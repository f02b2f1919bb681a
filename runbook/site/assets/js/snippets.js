/* Copy buttons for snippets, and for the SQL of a command by itself. The theme's script does the copying.
   A command that was copied before its values were typed says so, with links to their fields. */
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
    button.addEventListener("click", () => tellMissing(snippet));
  });

  const missingIn = (snippet) =>
    [...snippet.querySelectorAll("var[data-rb-value]:not(.rb-filled)")].filter((place) => place.checkVisibility()).map((place) => place.dataset.rbValue);

  /* The name of a value, as a link to its field if it has one. */
  function linked(key) {
    const name = key.split(".").pop();
    const field = document.querySelector(`[data-rb-field="${key}"]`);
    if (!field) return `${name} (explained below)`;
    const link = document.createElement("a");
    link.href = `#${field.id}`;
    link.textContent = name;
    return link;
  }

  function tellMissing(snippet) {
    if (snippet.nextElementSibling?.matches(".rb-missing")) snippet.nextElementSibling.remove();
    const keys = [...new Set(missingIn(snippet))];
    if (!keys.length) return;
    const told = document.createElement("p");
    told.className = "rb-missing";
    told.role = "alert";
    told.append("Copied, but these values are still missing: ", ...keys.flatMap((key, at) => [...(at ? [", "] : []), linked(key)]));
    snippet.after(told);
  }

  /* What was said about missing values goes once they are there. */
  window.runbook.store.listen(() => {
    for (const told of document.querySelectorAll(".rb-missing"))
      if (!missingIn(told.previousElementSibling).length) told.remove();
  });

  /* Undo the shell's quotes around the last word of a command. */
  function unquoted(line) {
    const word = line.slice(line.indexOf(" -- ") + 4).trim();
    return word.startsWith('"') ? word.slice(1, -1) : word.slice(1, -1).replaceAll(`'"'"'`, "'");
  }

  for (const place of document.querySelectorAll(".rb-sql-alone")) {
    const snippet = place.previousElementSibling;
    const code = snippet?.querySelector("code");
    if (!code) continue;
    place.hidden = false;
    const button = place.firstElementChild;
    button.addEventListener("click", () => {
      button.dataset.clipboardText = unquoted(code.innerText);
      tellMissing(snippet);
    });
  }
})();
