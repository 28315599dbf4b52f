"""As merged, with the ordering fixes of 2009 and 2011: a full barrier before the second look."""

extends = "redo_merged"
