"""Making sure that what was read will still be there after a crash."""

from duecourse.store.database import Connection


def flush(connection: Connection) -> None:
    """Return when everything that this connection could see before is on disk.

    A writer may make its events visible a moment before they are durable. The commit of this
    transaction is behind theirs in the write-ahead log, and waits until the log is flushed.
    """
    with connection.transaction():
        connection.execute("SET LOCAL synchronous_commit = on")
        # Anything that is written makes the commit wait; this writes no row.
        connection.execute("SELECT pg_logical_emit_message(true, 'duecourse', '')")
