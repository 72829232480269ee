"""A data set of files packed into few large ones, of which any sample can be read by its index."""
