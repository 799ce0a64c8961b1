class DemoFailed(RuntimeError):
    """The demo cannot go on; the message says where to look."""
