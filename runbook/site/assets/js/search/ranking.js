/* The same search as `runbook find`: runbook/search/words.py and ranking.py explain each part. */
"use strict";

(() => {
  const LONGEST = 200000;

  // --- words.py -----------------------------------------------------------------------------------------------------

  const STYLE = /\x1b\[[0-9;?]{0,30}[A-Za-z]/g;
  const CONTROL = /[\x00-\x09\x0b-\x1f]/g;
  const NOISE = [
    [/https?:\/\/[^ /"'`<>|)]+/g, " "],
    [/\[[0-9a-f]{1,4}:[0-9a-f:]{2,40}\]|\((?:[0-9a-f]{1,4}:){3,7}[0-9a-f]{0,4}\)/g, " ipv6 "],
    [/[0-9]{8,20}_[a-z0-9_]+(?:\.sql)?/g, " "],
    [/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, " "],
    [/[0-9]{4}[-/][0-9]{2}[-/][0-9]{2}t?/g, " "],
    [/[0-9]{1,2}:[0-9]{2}(?::[0-9]{2})?(?:\.[0-9]+)?z?/g, " "],
    [/[0-9]{6,}/g, " "],
    [/(?<![a-z])[a-z]{20}(?![a-z])/g, " "],
    [/:[0-9]+:[0-9]+/g, " "],
    [/[\u2018\u2019']/g, ""],
  ];
  const HUMP = /([a-z0-9])([A-Z][a-z])/g;
  const FRAME = /^[ \t]*at .{0,300}[:(<].*$/;
  const TELLING = new RegExp(
    "error|fatal|fail|denied|cannot|can't|could not|not found|refus|timeout|timed out|unable|exception|unsupported" +
      "|invalid|warn|blocked|skipping|violates|must be|exceeded",
  );
  const DOUBLE = /([bcdfgkmnprtv])\1$/;

  const strip = (line) => line.replace(/^[ \t\r]+|[ \t\r]+$/g, "");
  const endsWith = (word, ...ends) => ends.some((end) => word.endsWith(end));

  function clean(line) {
    let text = line.replace(CONTROL, " ").replace(HUMP, "$1 $2").toLowerCase();
    for (const [noise, instead] of NOISE) text = text.replace(noise, instead);
    return text;
  }

  function linesThatMatter(text) {
    const found = text
      .slice(0, LONGEST)
      .replace(STYLE, "")
      .split("\n")
      .filter((line) => strip(line));
    const whole = found.filter((line) => !FRAME.test(line));
    const kept = whole.length ? whole : found;
    const telling = kept.map((line) => TELLING.test(line.toLowerCase()));
    const all = !telling.some(Boolean);
    return kept.map((line, at) => [line, all || telling[at]]);
  }

  function stem(given) {
    let word = given;
    if (word.length < 4 || /[0-9]/.test(word)) return word;
    if (word.endsWith("ies") && word.length > 4) word = `${word.slice(0, -3)}y`;
    else if (word.endsWith("s") && !endsWith(word, "ss", "us", "is")) word = word.slice(0, -1);
    if (word.endsWith("ing") && word.length > 5) word = word.slice(0, -3).replace(DOUBLE, "$1");
    else if (word.endsWith("ed") && word.length > 4 && !word.endsWith("eed"))
      word = word.slice(0, -2).replace(DOUBLE, "$1");
    else if (endsWith(word, "tion", "sion") && word.length > 6) word = word.slice(0, -3);
    return word.endsWith("e") && word.length > 3 ? word.slice(0, -1) : word;
  }

  function termsOf(index, line) {
    const words = (clean(line).match(/[a-z0-9]+/g) || []).map(stem);
    const found = [];
    for (let at = 0; at < words.length; ) {
      let length = Math.min(3, words.length - at);
      let meant;
      for (; length > 0; length--) {
        meant = index.synonyms.get(words.slice(at, at + length).join(" "));
        if (meant !== undefined) break;
      }
      if (meant === undefined) [length, meant] = [1, words[at]];
      if (!index.ignored.has(meant)) found.push(meant);
      at += length;
    }
    return found;
  }

  // --- record.py ----------------------------------------------------------------------------------------------------

  const ENTRY = ["kind", "id", "title", "page", "anchor", "see", "means", "do", "verdict", "isUrgent"];
  const LINE = ["entry", "source", "text", "anchor", "label", "terms"];
  const named = (names) => (values) => Object.fromEntries(names.map((name, at) => [name, values[at]]));

  function read(record) {
    const index = {
      synonyms: new Map(Object.entries(record.synonyms)),
      ignored: new Set(record.ignored),
      entries: record.entries.map(named(ENTRY)),
      lines: record.lines.map(named(LINE)),
      terms: record.terms,
      weights: record.weights,
      numbers: new Map(record.terms.map((term, number) => [term, number])),
      linesWith: record.terms.map(() => []),
      errors: record.errors.map(([entry, states, messages]) => ({ entry, states, messages: messages.map(expression) })),
      commands: record.commands.map(([entry, program, words, forms]) => ({ entry, program, words, forms })),
    };
    index.lines.forEach((line, number) => {
      for (const term of new Set(line.terms)) index.linesWith[term].push(number);
    });
    return index;
  }

  /* The expressions are written for RE2, whose names for the ends of a text JavaScript lacks. */
  const expression = ([text, flags]) => new RegExp(text.replace(/\\A/g, "^").replace(/\\z/g, "$"), `m${flags.replace("m", "")}`);

  // --- ranking.py ---------------------------------------------------------------------------------------------------

  const WEIGHTS = {
    symptom: 3, error: 3, use: 2.4, title: 2.2, other: 2.2, summary: 2, sign: 1.7, option: 1.6, means: 1, step: 0.7, rest: 0.5,
  };
  const FACTORS = { procedure: 1, error: 0.95, pattern: 0.75, page: 0.8, rule: 0.6 };
  const URGENT = 1.08;
  const BESIDE = 0.4;
  const [SECOND, THIRD] = [0.25, 0.12];
  const GUESSED = 0.7;
  const FEW = 12;
  const VERY_FEW = 3;
  const GAP = 4;
  const STARTS = 60;
  const LEAST_COVERED = 0.4;
  const LEAST_SHARE = 0.3;
  const OTHER_STATE = 0.3;
  const LEAST = 0.25;

  const SQLSTATE = /(?<![0-9A-Za-z_])[0-9A-Z]{5}(?![0-9A-Za-z_])/g;
  const GIVEN_STATE = /(?:SQLSTATE[ :=([]{0,3}|code['"]?: ?['"])([0-9A-Z]{5})(?![0-9A-Za-z_])/g;
  const START = /(?:[:"'`([{] ?|(?<![0-9A-Za-z_])[0-9A-Z]{5}:? )(?=[A-Za-z])/g;
  const STAMP = /^(?:[[(]?[0-9]{4}[-/][0-9TZ:/.,+ -]{6,40}[\])]? ?|##\[[a-z]{1,20}\] ?)/;
  const [PARTS, MESSAGE, MATCHED_LINES] = [12, 400, 30];
  const LAUNCHERS = new Set("$ sudo npx bunx pnpx pnpm yarn npm exec dlx x run -y --".split(" "));

  const lower = (map, key) => (map.has(key) ? map.get(key) : 0);

  function find(index, given, most = 8) {
    const text = given.slice(0, LONGEST);
    const asked = askedOf(index, text);
    const [scores, lines] = scored(index, asked);
    for (const number of ofOtherStates(index, text))
      if (scores.has(number)) scores.set(number, scores.get(number) * OTHER_STATE);
    const sure = new Map(recognized(index, text));
    for (const [number, line] of quoted(index, asked.order)) {
      if (lower(sure, number) < 2) {
        sure.set(number, 2);
        lines.set(number, line);
      }
    }
    const command = commandOf(index, text);
    if (command) sure.set(command[0], 4);
    const best = Math.max(0, ...scores.values());
    const fitting = [...scores].filter(([, score]) => score >= best * LEAST).map(([number]) => number);
    const ranked = [...new Set([...sure.keys(), ...fitting])].sort(
      (one, other) =>
        lower(sure, other) - lower(sure, one) || lower(scores, other) - lower(scores, one) || one - other,
    );
    return ranked.slice(0, most).map((number) => {
      const isCommand = command && command[0] === number;
      const entry = isCommand ? ofForm(index, command) : index.entries[number];
      const line = isCommand || !lines.has(number) ? null : index.lines[lines.get(number)];
      const anchor = (line && line.anchor) || entry.anchor;
      const sureness = lower(sure, number);
      return { entry, line, anchor, score: lower(scores, number), sureness, isSure: sureness > 1, words: asked.words };
    });
  }

  function ofForm(index, [number, command, form]) {
    const entry = index.entries[number];
    if (form < 0) return entry;
    const [, , anchor, verdict, means, instead] = index.commands[command].forms[form];
    return { ...entry, anchor, verdict, means, do: instead ? [instead] : [] };
  }

  function askedOf(index, text) {
    const weights = new Map();
    const order = [];
    for (const [line, isTelling] of linesThatMatter(text)) {
      for (const term of termsOf(index, line)) {
        order.push(term);
        weights.set(term, Math.max(lower(weights, term), isTelling ? 1 : BESIDE));
      }
    }
    const terms = new Map();
    const guesses = new Map();
    const words = [];
    let unknown = 0;
    const add = (number, weight) => terms.set(number, Math.max(weight, lower(terms, number)));
    for (const [term, weight] of weights) {
      if (index.numbers.has(term)) {
        add(index.numbers.get(term), weight);
        words.push(term);
      } else if (weights.size <= FEW) {
        const near = alike(index, term);
        unknown += !near.length && weights.size <= VERY_FEW ? 1 : 0;
        for (const number of near) {
          if (!guesses.has(term)) guesses.set(term, number);
          add(number, weight * GUESSED);
        }
      }
    }
    const number = (term) => index.numbers.get(term) ?? guesses.get(term) ?? -1;
    return { terms, order: order.map(number), words, unknown };
  }

  function alike(index, term) {
    if (term.length < 3) return [];
    const numbers = [...index.terms.keys()];
    const begun = numbers.filter((number) => index.terms[number].startsWith(term));
    if (begun.length) return begun.slice(0, 8);
    if (term.length < 4) return [];
    const most = term.length < 8 ? 1 : 2;
    const near = [];
    for (const number of numbers) {
      const known = index.terms[number];
      if (Math.abs(known.length - term.length) > most || known[0] !== term[0]) continue;
      const slips = slipsBetween(term, known, most);
      if (slips <= most) near.push([slips, number]);
    }
    near.sort((one, other) => one[0] - other[0] || one[1] - other[1]);
    return near
      .filter(([slips]) => slips === near[0][0])
      .map(([, number]) => number)
      .slice(0, 3);
  }

  function slipsBetween(one, other, most) {
    let before = [];
    let row = Array.from({ length: other.length + 1 }, (_, to) => to);
    for (let at = 1; at <= one.length; at++) {
      const last = before;
      before = row;
      row = [at];
      for (let to = 1; to <= other.length; to++) {
        const changed = one[at - 1] === other[to - 1] ? 0 : 1;
        row[to] = Math.min(before[to] + 1, row[to - 1] + 1, before[to - 1] + changed);
        if (at > 1 && to > 1 && one[at - 1] === other[to - 2] && one[at - 2] === other[to - 1])
          row[to] = Math.min(row[to], last[to - 2] + 1);
      }
      if (Math.min(...row) > most) return most + 1;
    }
    return row[row.length - 1];
  }

  function scored(index, asked) {
    const pairs = new Set(asked.order.slice(1).map((term, at) => `${asked.order[at]} ${term}`));
    let wanted = asked.unknown * index.weights.reduce((one, other) => Math.max(one, other), 0);
    for (const [term, weight] of asked.terms) wanted += index.weights[term] * weight;
    const numbers = new Set([...asked.terms.keys()].flatMap((term) => index.linesWith[term]));
    const gained = new Map();
    for (const number of [...numbers].sort((one, other) => one - other)) {
      const line = index.lines[number];
      if (!gained.has(line.entry)) gained.set(line.entry, []);
      gained.get(line.entry).push([lineScore(index, line, asked.terms, pairs), number]);
    }
    const [scores, lines] = [new Map(), new Map()];
    for (const [owner, found] of gained) {
      found.sort((one, other) => other[0] - one[0] || one[1] - other[1]);
      const entry = index.entries[owner];
      const share = covered(index, found, asked.terms);
      if (asked.unknown && share < LEAST_COVERED * wanted) continue;
      let total = found[0][0];
      total += found.length > 1 ? SECOND * found[1][0] : 0;
      total += found.length > 2 ? THIRD * found[2][0] : 0;
      total *= 0.4 + (0.6 * share) / wanted;
      scores.set(owner, total * FACTORS[entry.kind] * (entry.isUrgent ? URGENT : 1));
      lines.set(owner, found[0][1]);
    }
    return [scores, lines];
  }

  function lineScore(index, line, terms, pairs) {
    let [matched, whole] = [0, 0];
    for (const term of new Set(line.terms)) {
      whole += index.weights[term];
      if (terms.has(term)) matched += index.weights[term] * terms.get(term);
    }
    let beside = 0;
    for (let at = 1; at < line.terms.length; at++)
      if (pairs.has(`${line.terms[at - 1]} ${line.terms[at]}`)) beside += 1;
    const closeness = 1 + (0.5 * beside) / Math.max(line.terms.length - 1, 1);
    const least = line.source === "error" ? 0 : LEAST_SHARE;
    return WEIGHTS[line.source] * matched * (least + ((1 - least) * matched) / whole) * closeness;
  }

  function covered(index, found, terms) {
    const best = new Map();
    for (const [, number] of found) {
      const line = index.lines[number];
      const share = Math.min(WEIGHTS[line.source] / 2, 1);
      for (const term of line.terms) if (terms.has(term)) best.set(term, Math.max(lower(best, term), share));
    }
    let total = 0;
    for (const [term, weight] of terms) total += index.weights[term] * weight * lower(best, term);
    return total;
  }

  function* recognized(index, text) {
    const states = new Set(text.match(SQLSTATE) || []);
    const given = givenStates(text);
    const messages = messagesIn(text).join("\n");
    for (const error of index.errors) {
      const hasState = error.states.some((state) => states.has(state));
      if (given.size && error.states.length && !hasState) continue;
      if (error.messages.some((message) => message.test(messages))) yield [error.entry, 3];
      else if (hasState) yield [error.entry, error.messages.length ? 1 : 3];
    }
  }

  const givenStates = (text) => new Set([...text.matchAll(GIVEN_STATE)].map((match) => match[1]));

  function messagesIn(text) {
    const telling = linesThatMatter(text).filter(([, isTelling]) => isTelling);
    let lines = [...new Set(telling.map(([line]) => strip(line).replace(STAMP, "").slice(0, MESSAGE)))];
    if (lines.length > 2 * MATCHED_LINES) lines = [...lines.slice(0, MATCHED_LINES), ...lines.slice(-MATCHED_LINES)];
    const found = new Set();
    for (const line of lines) {
      const starts = [...line.matchAll(START)].map((match) => match.index + match[0].length).slice(0, PARTS);
      found.add(line);
      for (const start of starts) found.add(line.slice(start));
    }
    return [...found];
  }

  function* ofOtherStates(index, text) {
    const given = givenStates(text);
    if (!given.size) return;
    for (const error of index.errors)
      if (error.states.length && !error.states.some((state) => given.has(state))) yield error.entry;
  }

  function quoted(index, order) {
    const places = new Map();
    order.forEach((term, at) => {
      if (term < 0) return;
      if (!places.has(term)) places.set(term, []);
      if (places.get(term).length < STARTS) places.get(term).push(at);
    });
    const found = new Map();
    index.lines.forEach((line, number) => {
      if (line.source !== "error" || found.has(line.entry) || !tellsEnough(index, line)) return;
      if ((places.get(line.terms[0]) || []).some((start) => follows(line.terms, order, start)))
        found.set(line.entry, number);
    });
    return found;
  }

  function tellsEnough(index, line) {
    let total = 0;
    for (const term of new Set(line.terms)) total += index.weights[term];
    return line.terms.length >= 3 && total >= 9;
  }

  function follows(terms, order, start) {
    let at = start;
    const end = start + terms.length + GAP;
    for (const term of terms) {
      while (at < order.length && at < end && order[at] !== term) at += 1;
      if (at >= order.length || at >= end) return false;
      at += 1;
    }
    return true;
  }

  function commandOf(index, text) {
    const lines = text.split("\n").map(strip).filter(Boolean);
    if (!lines.length || lines.length > 2 || lines[0].length > MESSAGE) return null;
    let words = lines[0].toLowerCase().split(" ").filter(Boolean);
    while (words.length && LAUNCHERS.has(words[0])) words = words.slice(1);
    if (!words.length) return null;
    const program = words[0].split("/").pop().split("@")[0];
    const plain = words.filter((word) => !word.startsWith("-"));
    const flags = new Set(words.filter((word) => word.startsWith("-")).map((word) => word.split("=")[0]));
    const begins = (from, wanted) => wanted.every((word, at) => plain[from + at] === word);
    let best = null;
    const tails = [];
    index.commands.forEach((command, number) => {
      const { length } = command.words;
      const isNamed = program === command.program && begins(1, command.words);
      const isBare = length >= 2 && begins(0, command.words) && flags.size > 0;
      const missing = length - plain.length;
      const isTail = plain.length > 0 && missing >= 0 && plain.every((word, at) => command.words[missing + at] === word);
      if (isTail && flags.size && command.program === "supabase") tails.push(number);
      if ((isNamed || isBare) && (length || plain.length + flags.size > 1))
        if (best === null || length > index.commands[best].words.length) best = number;
    });
    if (best === null && tails.length === 1) best = tails[0];
    if (best === null) return null;
    const { entry, forms } = index.commands[best];
    const form = forms.findIndex(
      ([wanted, without]) => wanted.every((flag) => flags.has(flag)) && !without.some((flag) => flags.has(flag)),
    );
    return [entry, best, form];
  }

  const search = { find, read, termsOf };
  if (typeof module === "object") module.exports = search;
  else self.runbookSearch = search;
})();
