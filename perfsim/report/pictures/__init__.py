"""What results look like. The way of the data: material -> facts -> charts -> page, and -> files."""
