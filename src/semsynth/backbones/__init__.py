"""Networks that were trained on photographs, for what judges and teaches: features, losses, segmenters."""
