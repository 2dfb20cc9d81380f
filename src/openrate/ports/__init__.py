"""What the middle of the program needs from outside, as domain verbs. Adapters live in ``storage`` and ``providers``.

One contract suite per port (``tests/contracts``, ``tests/providers``) runs on every adapter.
"""
