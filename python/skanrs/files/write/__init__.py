"""Writers of masks, tables and graphs, one module for each format."""
