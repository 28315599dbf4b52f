"""The rework as merged in 2.6.28: mlock takes the page lock again, the new page is put back last."""

extends = "redo"
