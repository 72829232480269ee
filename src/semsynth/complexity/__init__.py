"""What a network costs: parameters, multiply-accumulates, time and memory (arXiv:2012.04644, Tables I-IV, Figure 5)."""
