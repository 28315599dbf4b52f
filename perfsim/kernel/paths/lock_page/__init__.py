"""The old design of 2.6.26-rc5-mm3: putback_lru_page() under the page lock."""
