/*
 * The theme's search box asks this worker instead of the theme's own (see `page_html.py`). It lists what `runbook find`
 * finds, from the same index, then, unless that is sure, other places of the site that contain all words of the search.
 */
"use strict";

(() => {
  const [SETUP, READY, QUERY, RESULT] = [0, 1, 2, 3]; // the theme's kinds of messages
  const MOST_PAGES = 6;
  const LINE_END = "\u23ce"; // the sign that `paste.js` puts into the box
  const FEW_WORDS = 4; // the page of a result highlights the words of short searches only

  /* On pages opened from a disk, a stand-in for workers runs this script in a frame, as the only script there. */
  const own = typeof WorkerGlobalScope === "undefined" ? document.querySelector("script[src]").src : location.href;
  let index = null;
  let indexRead = null;
  let sections = [];
  let textsRead = null;

  const escaped = (text) =>
    text.replace(/[&<>"]/g, (one) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[one]);

  function marked(text, words) {
    const parts = text.split(/([A-Za-z0-9]+)/);
    return parts
      .map((part, at) => {
        const found = at % 2 && runbookSearch.termsOf(index, part).some((term) => words.has(term));
        return found ? `<mark data-md-highlight>${part}</mark>` : escaped(part);
      })
      .join("");
  }

  const address = (page) => `${page}${self.runbookEnding}`;

  /* A result of the theme: a page, and below it the places on that page. Enter goes to the highest score. */
  const item = (location, title, text, score, terms) => ({ location, title, text, score, terms });

  function group(hit, score, terms) {
    const { entry, line } = hit;
    const words = new Set(hit.words);
    const place = `${address(entry.page)}${hit.anchor ? `#${hit.anchor}` : ""}`;
    const isProcedure = entry.kind === "procedure";
    const matched = line && line.text !== entry.title ? `<p>${marked(line.text, words)}</p>` : "";
    if (isProcedure && hit.anchor) {
      const title = escaped(line.label || line.text);
      return [
        item(place, title, matched, score + 0.5, terms),
        item(address(entry.page), escaped(entry.title), "", score, terms),
      ];
    }
    if (isProcedure || !hit.anchor) {
      const text = matched || `<p>${escaped(entry.means)}</p>`;
      return [item(place, escaped(entry.title), text, score, terms)];
    }
    const means = [entry.verdict, entry.means].filter(Boolean).join(" ");
    const steps = entry.do.map((text) => `<li>${escaped(text)}</li>`).join("");
    const list = entry.do.length > 1 ? `<ol>${steps}</ol>` : entry.do.map((text) => `<p>${escaped(text)}</p>`).join("");
    const parent = entry.see
      ? [address(`procedures/${entry.see}`), titleOf(entry.see)]
      : [address(entry.page), titleOfPage(address(entry.page))];
    return [
      item(place, escaped(entry.title), `<p>${marked(means, words)}</p>${list}`, score + 0.5, terms),
      item(parent[0], escaped(parent[1]), "", score, terms),
    ];
  }

  const titleOf = (id) => index.entries.find((one) => one.kind === "procedure" && one.id === id)?.title ?? id;
  const titleOfPage = (location) => sections.find((one) => one.location === location)?.plainTitle ?? location;

  /* What finds a word, or words that begin with it where it is long enough to mean them. */
  const beginning = (word) => new RegExp(`(?<![\\p{L}\\p{N}_])${word}${word.length < 4 ? "(?![\\p{L}\\p{N}_])" : ""}`, "u");

  /* Places of the site that contain all words, or words that begin so, those with the most in the title first. */
  function elsewhere(query, known) {
    const found = new Set(query.toLowerCase().match(/[\p{L}\p{N}_]{2,}/gu) || []);
    const words = [...found].filter((word) => !index.ignored.has(word));
    if (!words.length || words.length > 8) return [];
    const begun = words.map(beginning);
    return sections
      .filter((one) => !known.has(one.location.split("#")[0]) && begun.every((word) => word.test(one.searched)))
      .map((one) => [begun.filter((word) => word.test(one.searchedTitle)).length, one])
      .sort(([one], [other]) => other - one)
      .map(([, one]) => ({ ...one, at: Math.max(one.searched.search(begun.at(-1)), 0) }))
      .slice(0, MOST_PAGES);
  }

  async function answer(typed) {
    const query = typed.replaceAll(LINE_END, "\n");
    if (!query.trim()) return { items: [], suggest: [] }; // the theme asks so before anybody has searched
    await (indexRead ??= readIndex());
    const hits = runbookSearch.find(index, query);
    const isSure = hits[0]?.isSure;
    if (!isSure || hits.some((hit) => hit.entry.kind !== "procedure")) await (textsRead ??= readTexts());
    const spoken = query.trim().split(/\s+/);
    const terms = spoken.length > FEW_WORDS ? {} : Object.fromEntries(spoken.filter(Boolean).map((one) => [one, true]));
    const groups = hits.map((hit, at) => group(hit, 1000 - at, terms));
    const known = new Set(groups.flatMap((found) => found.map((one) => one.location.split("#")[0])));
    const more = isSure ? [] : elsewhere(query, known);
    const others = more.map((one, at) => {
      const place = item(one.location, escaped(one.plainTitle), excerpt(one), 900 - at, terms);
      const page = one.location.split("#")[0];
      return page === one.location ? [place] : [place, item(page, escaped(titleOfPage(page)), "", 900 - at, terms)];
    });
    return { items: [...groups, ...others], suggest: [] };
  }

  function excerpt({ plain, at }) {
    const from = at > 80 ? plain.indexOf(" ", at - 80) + 1 : 0;
    const text = plain.slice(from, at + 160).replace(/\s\S*$/, "");
    return text ? `<p>${from ? "… " : ""}${escaped(text)} …</p>` : "";
  }

  /* What a search needs is loaded with the first one: it is larger than most pages. */
  const load = (...files) => importScripts(...files.map((file) => new URL(file, own).href));

  async function readIndex() {
    // In a worker this is done when it returns, in the stand-in when its promise is kept.
    await load("ranking.js", "../../search-index.js");
    index = runbookSearch.read(self.runbookIndex);
  }

  async function readTexts() {
    await load("../../search-pages.js");
    sections = self.runbookPages.map(([location, title, text]) => {
      const searchedTitle = title.toLowerCase();
      return { location, plainTitle: title, plain: text, searchedTitle, searched: `${text} ${searchedTitle}`.toLowerCase() };
    });
  }

  async function reply({ type, data }) {
    if (type === SETUP) return { type: READY };
    if (type === QUERY) return { type: RESULT, data: await answer(data) };
    throw new TypeError("Invalid message type");
  }

  addEventListener("message", async (message) => postMessage(await reply(message.data)));
})();
