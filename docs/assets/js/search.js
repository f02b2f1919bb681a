/* A dash before a word is part of a flag here. To the search engine it would mean "without this word". */
"use strict";

(() => {
  const QUERY = 2; // the theme's kind of message that asks its search worker
  const { postMessage } = Worker.prototype; // from a disk this is the stand-in that the theme's polyfill brings
  Worker.prototype.postMessage = function (message, ...rest) {
    const isQuery = message?.type === QUERY && typeof message.data === "string";
    const asked = isQuery ? { ...message, data: message.data.replace(/(^|\s)-+(?=\w)/g, "$1") } : message;
    return postMessage.call(this, asked, ...rest);
  };
})();
