/* Put values into one word of a command as the walk does, and quote the word for a shell. */
"use strict";

(() => {
  const name = (key) => key.split(".").pop();
  const own = (values, key) => (Object.hasOwn(values, key) ? values[key] : undefined);

  /* How a value is written at each kind of place; `mode` is what the walk's own filling did there. */
  const write = {
    word: (value) => value,
    text: (value) => value.replaceAll("'", "''"),
    escape: (value) => value.replaceAll("\\", "\\\\").replaceAll("'", "''"),
    quoted: (value) => value.replaceAll('"', '""'),
  };

  const reserved = new Set((document.querySelector("[data-rb-reserved]")?.dataset.rbReserved ?? "").split(" "));

  /* A name in SQL is quoted only where it has to be. */
  function sqlName(parts, values) {
    const raw = parts.map((part) => (Array.isArray(part) ? own(values, part[0]) : part));
    if (raw.includes(undefined)) return pieces(parts, values);
    const whole = raw.join("");
    const bare = /^[a-z_][a-z0-9_]*$/.test(whole) && !reserved.has(whole);
    return [{ text: bare ? whole : `"${whole.replaceAll('"', '""')}"`, key: parts.find(Array.isArray)[0], filled: true }];
  }

  /* The word as pieces: fixed text, and places that are filled or still empty. */
  function pieces(parts, values) {
    return parts.flatMap((part) => {
      if (typeof part === "string") return [{ text: part }];
      if (!Array.isArray(part)) return sqlName(part.name, values);
      const value = own(values, part[0]);
      if (value === undefined) return [{ text: `<${name(part[0])}>`, key: part[0], filled: false }];
      return [{ text: write[part[1]](value), key: part[0], filled: true }];
    });
  }

  const safe = (text) => /^[\w@%+=:,./-]*$/.test(text);

  /* Quote the whole word if anything fixed or filled in it needs that; SQL reads better in double quotes, where that
     is the same. An empty place outside quotes stops a shell. */
  function shell(parts) {
    const known = parts.filter((part) => part.filled !== false).map((part) => part.text).join("");
    if (safe(known) && parts.some((part) => part.text)) return parts;
    if (known.includes("'") && !/["$`!]|\\(?:[\\\n]|$)/.test(known)) return [{ text: '"' }, ...parts, { text: '"' }];
    const escaped = parts.map((part) => ({ ...part, text: part.text.replaceAll("'", `'"'"'`) }));
    return [{ text: "'" }, ...escaped, { text: "'" }];
  }

  window.runbook.quoting = { name, own, pieces, shell };
})();
