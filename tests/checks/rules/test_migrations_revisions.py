"""Traps of the checks of single Alembic revisions."""

from __future__ import annotations

import pytest

from tests.checks.projects import ask, ask_read, lines

HEAD = (
    "import sqlalchemy as sa\nfrom alembic import op\nfrom sqlalchemy.orm import Session\n"
    "revision = '2'\ndown_revision = {down}\nusers = sa.table('users', sa.column('name'))\n"
)
FIRST = HEAD.count("\n") + 2


def revision(*upgrade: str, more: str = "", down: str = "'1'") -> dict[str, str]:
    """A revision with this body of upgrade, which begins at line ``FIRST``."""
    body = "".join(f"    {line}\n" for line in upgrade)
    text = f"{HEAD.format(down=down)}def upgrade():\n{body or '    pass'}\n{more}"
    return {"alembic/versions/2_names.py": text}


ADD = "op.add_column('users', sa.Column('name', sa.String))"


@pytest.mark.parametrize(
    ("more", "found"),
    [
        ("", 1),
        ("def downgrade():\n    '''Nothing.'''\n    return None\n", 1),
        ("def downgrade():\n    bind = op.get_bind()\n    ...\n", 1),
        ("def downgrade():\n    raise NotImplementedError(str(1))\n", 1),
        ("def downgrade():\n    _back()\n", 0),
        ("from old import downgrade\n", 0),
    ],
)
def test_a_downgrade_has_to_do_something(more: str, found: int) -> None:
    assert len(ask("migration-downgrade", revision(ADD, more=more)).observations) == found


def test_merges_and_empty_upgrades_need_no_downgrade() -> None:
    assert not ask("migration-downgrade", revision(ADD, down="('1', '3')")).observations
    assert not ask("migration-downgrade", revision()).observations


def test_the_finding_repeats_why_there_is_no_way_back() -> None:
    more = "def downgrade():\n    # the names are lost\n    raise NotImplementedError\n"

    outcome = ask("migration-downgrade", revision(ADD, more=more))

    assert "the names are lost" in outcome.observations[0].message


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        ("op.execute('CREATE EXTENSION pg_trgm')", False),
        ("op.execute(\"COMMENT ON TABLE users IS 'x'\")", False),
        ("op.execute('CREATE FUNCTION f() AS $$ UPDATE users SET a = 1; $$')", False),
        ("op.execute('SELECT 1')", False),
        ("op.bulk_insert(users, [{'name': 'a'}])", True),
        ("op.execute(users.update().values(name='a'))", True),
        ("op.get_bind().execute(sa.text('DELETE FROM users'))", True),
        ("op.execute(sa.insert(users).values(name='a'))", True),
        ("op.execute('DO $$ BEGIN UPDATE users SET a = 1; END $$')", True),
        ("op.execute('WITH x AS (SELECT 1) UPDATE users SET a = 1')", True),
        ("Session(op.get_bind()).query(User).delete()", True),
    ],
)
def test_schema_and_data_are_told_apart(statement: str, found: bool) -> None:
    outcome = ask("migration-data-schema-split", revision(ADD, statement))

    assert lines(outcome) == ([FIRST + 1] if found else [])


def test_helpers_and_attributes_of_rows_are_data_too() -> None:
    helper = "def fill():\n    op.execute('INSERT INTO users VALUES (1)')\n"
    assert lines(ask("migration-data-schema-split", revision(ADD, "fill()", more=helper))) == [
        FIRST + 4
    ]
    loop = ("session = Session(op.get_bind())", "for user in session.query(User).all():",
            "    user.name = 'a'")  # fmt: skip
    assert lines(ask("migration-data-schema-split", revision(ADD, *loop))) == [FIRST + 3]


def test_downgrade_is_not_judged() -> None:
    more = "def downgrade():\n    op.execute('UPDATE users SET a = 1')\n"

    assert not ask("migration-data-schema-split", revision(ADD, more=more)).observations
    assert ask("migration-batch-operations", revision(ADD, more=more)).state == "not-applicable"


def test_tables_and_commits_count_where_a_limit_is_set() -> None:
    other = "op.drop_index('ix', 'orders')"
    both = revision(ADD, other, ADD)
    broken = revision(ADD, "op.get_bind().commit()", ADD)

    assert lines(ask("migration-data-schema-split", both, max_tables=1)) == [FIRST + 1]
    assert lines(ask("migration-data-schema-split", broken, max_tables=3)) == [FIRST + 1]
    assert not ask("migration-data-schema-split", broken).observations


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (["op.execute('DELETE FROM users')"], [0]),
        (["op.execute('DELETE FROM users WHERE id = 1')"], []),
        (["op.execute('DELETE FROM users WHERE true')"], [0]),
        (["op.execute('UPDATE users SET a = (SELECT b FROM c WHERE c.id = users.id)')"], [0]),
        (["op.execute(users.update().values(name='a'))"], [0]),
        (["op.execute(users.update().where(users.c.id == 1).values(name='a'))"], []),
        (["query = users.delete()", "query = query.where(users.c.id == 1)",
          "op.execute(query)"], []),
        (["while rows:", "    op.execute('DELETE FROM users')"], []),
        (["for chunk in chunks:", "    op.execute('DELETE FROM users')"], []),
        (["for table in ('a', 'b'):", "    op.execute(f'DELETE FROM {table}')"], [1]),
        (["op.create_table('users')", "op.execute('UPDATE users SET a = 1')"], []),
        (["op.execute('UPDATE roles SET a = 1')"], []),
        (["for user in Session(bind).query(User):", "    user.name = 'a'",
          "op.execute('INSERT INTO a VALUES (1)')"], []),
    ],
)  # fmt: skip
def test_all_rows_of_a_table_are_changed_in_batches(body: list[str], found: list[int]) -> None:
    outcome = ask("migration-batch-operations", revision(*body))

    assert lines(outcome) == [FIRST + offset for offset in found]


def test_only_listed_tables_are_large() -> None:
    files = revision("op.execute('DELETE FROM users')", "op.execute('DELETE FROM events')")

    assert lines(ask("migration-batch-operations", files, large_tables=["events"])) == [FIRST + 1]


def test_sqlite_rebuilds_tables_in_a_batch() -> None:
    files = revision(
        "op.alter_column('users', 'name')",
        "op.add_column('users', sa.Column('b', sa.String))",
        "if is_postgres():",
        "    op.drop_constraint('a', 'users')",
        "with op.batch_alter_table('users') as batch:",
        "    batch.alter_column('name')",
    )
    files["alembic/env.py"] = (
        "from alembic import context\ncontext.configure(render_as_batch=True)\n"
    )

    assert lines(ask("migration-batch-operations", files)) == [FIRST]


def test_the_template_of_the_repository_says_what_a_header_is() -> None:
    files = {"alembic/versions/2.py": '"""add names"""\n\nrevision = "2"\ndown_revision = "1"\n'}
    asked = {"require": ["autogenerated"]}
    assert lines(ask_read("migration-review-marker", files, **asked)) == [1]

    files["alembic/script.py.mako"] = '"""${message}"""\n'
    assert not ask_read("migration-review-marker", files, **asked).observations


def test_a_revision_without_message_says_nothing() -> None:
    text = '"""empty message\n\nRevision ID: 2\n"""\nrevision = "2"\ndown_revision = "1"\n'

    outcome = ask("migration-review-marker", {"alembic/versions/2_.py": text},
                  require=["autogenerated"])  # fmt: skip

    assert [each.message for each in outcome.observations] == ["The revision has no message"]
