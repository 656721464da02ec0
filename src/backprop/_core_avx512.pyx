# cython: language_level=3, binding=True, auto_pickle=False
"""`_core.pyx` once more, compiled for AVX-512 (see `setup.py`): the same arithmetic, so the same bits."""

include "_core.pyx"
