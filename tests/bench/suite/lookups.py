"""What the gateway itself counts: whether a sample was answered from where it should be."""

import contextlib


@contextlib.contextmanager
def growth(server):
    """A dict that is filled at the end of the block: the rows looked up meanwhile, by CacheKind."""
    grown = {}
    before = server.lookups()
    yield grown
    for kind, rows in server.lookups().items():
        if rows != before.get(kind, 0):
            grown[kind] = rows - before.get(kind, 0)


@contextlib.contextmanager
def expect(server, wanted):
    """Raises unless the block made exactly the lookups that are in the dict `wanted` at its end."""
    with growth(server) as grown:
        yield
    if grown != wanted:
        raise RuntimeError(f"the gateway should have counted the rows {wanted}, by number of "
                           f"CacheKind, and counted {grown}")
