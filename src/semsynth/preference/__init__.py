"""Preference studies: people choose between two pictures, and what their votes say."""
