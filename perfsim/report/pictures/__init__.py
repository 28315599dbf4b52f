"""What results look like. The way of the data: material -> facts -> view -> chart, filled -> page, or PNG and SVG."""
