"""Check migrations before anybody reviews or pushes them."""
