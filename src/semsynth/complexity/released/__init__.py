"""The formulation of the released networks, written anew from their description: what ours is measured against.

A float one-hot map is resized again in every norm (CC-FPSE: in every block), gamma and beta exist at every pixel, CLADE
finds the classes by an argmax over the one-hot map, products with predicted kernels are unfolded, spectral norms are
computed in evaluation too, upsampled copies are made, and nothing is kept in tables. Same weights, same pictures.
"""
