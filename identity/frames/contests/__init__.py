"""The canonical replay of `identity.replaying.replay` in compiled code, where no judgement and no ttl has a say.

It follows that file step by step, over numbers: the identifiers of a component are numbered in the order of their text,
so that comparing numbers is comparing identifiers. tests/identity/frames/test_resolving.py shows both say the same.
`contest` is where to begin.
"""
