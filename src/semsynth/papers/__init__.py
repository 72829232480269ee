"""The tables and figures of the papers: each is a study, which trains, scores, measures, and ends in one page."""
