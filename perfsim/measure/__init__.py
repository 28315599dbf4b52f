"""What a run tells: the table of columns and the row that fills it."""
