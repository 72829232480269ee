"""Parts of objects that label maps do not tell: where in a building its windows are, where on a car its wheels."""

REST, WINDOW, DOOR, WHEEL, PANE = range(5)

PARTS = ("rest", "window", "door", "wheel", "pane")  # panes are the windows of cars

# R, G, B of pictures of parts
COLOURS = ((60, 60, 60), (90, 190, 250), (230, 150, 40), (250, 250, 250), (150, 240, 170))
