"""The glass box: every number of a training step, recorded and shown.

`step` records one step of a network as arrays; `names` gives each number the name that Mazur's tutorial gives it;
`demo` prints the tutorial's example with them. Nothing here trains: the network's own engine does.
"""
