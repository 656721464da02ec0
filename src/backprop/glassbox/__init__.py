"""The glass box: every number of a training step, recorded and shown.

`recording` runs one step of a network, by the network's own engine, and keeps its arrays (`step`). `trace` makes
records of them by name (`names`), each with the operation that computed it (`quantities`, `ops`), and `views` show
them; `demo` prints the tutorial's example with them. `gradcheck` holds a gradient against differences of the loss,
`compare` against other libraries. None of them has an arithmetic of its own for a step.
"""
