"""Search the book for a pasted error, a command, a status or a few words.

On the site, `runbook/site/assets/js/search/ranking.js` does what `words` and `ranking` do here, with the same index.
If you change one, change the other.
"""
