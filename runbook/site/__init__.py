"""The book as pages: HTML for the generated parts, pictures, and checks of a built site.

Everything here returns strings, and a page prints them: `print` only writes to the page in the page's own block.
"""
