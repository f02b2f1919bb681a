"""Search of the book by what a person has in front of them: a pasted error, a command, a status, a few words.

`docs/assets/js/ranking.js` does on the site what `words` and `ranking` do here, from the same index. Change both.
"""
