"""What the application's role may do, as the migrations grant it: a restored dump may lack it."""

import re
from collections.abc import Iterator, Mapping
from typing import Final, Literal, cast

import msgspec
import psycopg
from psycopg.rows import TupleRow
from psycopg.sql import SQL, Identifier

from duecourse.store.database import APP_ROLE

Kind = Literal["TABLE", "FUNCTION", "SCHEMA"]

_STATEMENT: Final = re.compile(r"^GRANT\b[^;]*;", re.MULTILINE)
_GRANT: Final = re.compile(
    r"GRANT (?P<privileges>.+?) ON (?:(?P<kind>FUNCTION|SCHEMA) )?(?P<names>.+?) TO \w+;"
)
_COMMA: Final = re.compile(r", (?![^(]*\))")

# What a name stood for may be gone since; then there is nothing to be lost.
_LOST: Final = """
SELECT DISTINCT name FROM unnest(%(kinds)s::text[], %(names)s::text[], %(words)s::text[])
    AS r (kind, name, word)
 WHERE CASE kind
     WHEN 'SCHEMA' THEN NOT has_schema_privilege(%(role)s, to_regnamespace(name)::oid, word)
     WHEN 'FUNCTION' THEN EXISTS (
         SELECT FROM pg_proc AS p
          WHERE p.oid = to_regproc(name)::oid
            -- Everybody may call a new function: that was taken away, and comes back with a dump.
            AND (p.proacl IS NULL OR NOT has_function_privilege(%(role)s, p.oid, word)
                 OR EXISTS (SELECT FROM aclexplode(p.proacl) WHERE grantee = 0)))
     ELSE CASE word
         WHEN 'DELETE' THEN NOT has_table_privilege(%(role)s, to_regclass(name)::oid, word)
         ELSE NOT has_any_column_privilege(%(role)s, to_regclass(name)::oid, word)
     END
 END
 ORDER BY name
"""
_THERE: Final = """
SELECT CASE %(kind)s
    WHEN 'SCHEMA' THEN to_regnamespace(%(name)s) IS NOT NULL
    WHEN 'FUNCTION' THEN to_regproc(%(name)s) IS NOT NULL
    ELSE to_regclass(%(name)s) IS NOT NULL
END
"""


class Right(msgspec.Struct, frozen=True):
    """`privilege` as SQL has it, such as `INSERT (topic, state)`."""

    kind: Kind
    name: str
    privilege: str

    @property
    def word(self) -> str:
        return self.privilege.partition(" ")[0]


def granted(scripts: Mapping[str, bytes]) -> Iterator[Right]:
    """Every right that these migrations give, also to what a later one dropped."""
    for script in scripts.values():
        for statement in _STATEMENT.findall(script.decode()):
            found = _GRANT.fullmatch(" ".join(statement.split()))
            if found is None:
                raise AssertionError(f"a grant that is not understood here: {statement}")
            kind = cast("Kind", found["kind"] or "TABLE")
            for name in found["names"].split(", "):
                for privilege in _COMMA.split(found["privileges"]):
                    yield Right(kind, name, privilege)


def lost(connection: psycopg.Connection[TupleRow], scripts: Mapping[str, bytes]) -> list[str]:
    """The names of what the application's role cannot use as the migrations wanted it to."""
    rights = list(granted(scripts))
    role = connection.execute("SELECT FROM pg_roles WHERE rolname = %s", (APP_ROLE,)).fetchone()
    if role is None:
        return sorted({each.name for each in rights})
    wanted = {
        "kinds": [each.kind for each in rights],
        "names": [each.name for each in rights],
        "words": [each.word for each in rights],
        "role": APP_ROLE,
    }
    return [name for (name,) in connection.execute(_LOST, wanted).fetchall()]


def give_again(connection: psycopg.Connection[TupleRow], scripts: Mapping[str, bytes]) -> None:
    """Give the rights on all that is there; to have them already changes nothing."""
    with connection.transaction():
        for each in granted(scripts):
            row = connection.execute(_THERE, {"kind": each.kind, "name": each.name}).fetchone()
            if row is not None and row[0]:
                _give(connection, each)


def _give(connection: psycopg.Connection[TupleRow], right: Right) -> None:
    thing = SQL("{} {}").format(SQL(right.kind), Identifier(right.name))
    if right.kind == "FUNCTION":
        connection.execute(SQL("REVOKE ALL ON {} FROM PUBLIC").format(thing))
    # From the migrations that are shipped, and from nowhere else.
    privilege = SQL(right.privilege)
    connection.execute(SQL("GRANT {} ON {} TO {}").format(privilege, thing, Identifier(APP_ROLE)))
