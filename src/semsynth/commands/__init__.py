"""The commands, a file each: what is typed after `semsynth`, and what the scripts of the source tree start."""
