"""What tests of simulations propose, and the repository that they try it on."""

from __future__ import annotations

from tests.dashboard import rows

LONG = "def long():\n" + "".join(f"    x{number} = {number}\n" for number in range(30))
SHOP = {
    "app/main.py": "def main():\n    print('hello')\n",
    "app/quiet.py": "def quiet():\n    print('hush')  # noqa: T201\n",
    "app/work.py": f"{LONG}\n\ndef risky():\n    try:\n        main()\n    except Exception:\n"
    "        pass\n",
    "tests/test_main.py": "def test_main():\n    assert True\n",
}
OWN = rows.HOUSE_RULES + (
    b'\n[[clause]]\nid = "HR-3"\nrequirement = "Functions are short."\nstrength = "should"\n'
    b'checks = [{ id = "function-length", params = { max_lines = 60 } }]\n'
    b'\n[[clause]]\nid = "HR-4"\nrequirement = "A lead vouches."\nstrength = "must"\n'
)


def text(source: bytes, *changes: tuple[bytes, bytes]) -> str:
    """The text of a standard after replacements, each of which has to be there."""
    for before, after in changes:
        assert before in source
        source = source.replace(before, after, 1)
    return source.decode()
