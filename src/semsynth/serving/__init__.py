"""What every server of a page needs to be safe: who may ask, for how much, and what a page may do."""
