"""As merged, with the ordering fixes of 2.6.33 and 3.2: a full barrier before the second look."""

extends = "redo_merged"
