"""The rework as posted on 2008-06-18: putback_lru_page() without the page lock, checked again afterwards."""
