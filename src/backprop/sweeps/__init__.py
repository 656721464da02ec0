"""Sweeps over an estimator's parameters whose results can be checked bit for bit: `sweep` and `verify`.

What leads from a file to the weights is exact: reading (`data`), folds and standardising (`folds`), training (the
engines), scores (`scores`). So whoever has the data and a results file gets the same bits.
"""
