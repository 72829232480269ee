"""Pictures for people: grids of label maps beside what was made of them."""
