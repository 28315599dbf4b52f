"""2.6.26-rc5-mm3 built without CONFIG_UNEVICTABLE_LRU: mlocked pages stay on the lists and reclaim meets them."""

extends = "redo"
unevictable_lru = False
