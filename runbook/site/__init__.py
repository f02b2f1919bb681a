"""The book as pages: HTML for the generated parts, the pictures, and the checks of a built site.

Everything here returns strings; a page prints them. `print` is only bound to the page in the page's own block.
"""
