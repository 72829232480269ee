"""Campaigns: thousands of seeded faults, and whether each is answered in words. `make campaign` runs them."""
