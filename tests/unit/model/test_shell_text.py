"""Ids in command lines that people paste."""

from __future__ import annotations

import subprocess

import pytest

from headrace.model.shell_text import quoted


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("C-1", "C-1"),
        ("", "''"),
        ("a b", "'a b'"),
        ("it's", "'it'\"'\"'s'"),
        ("$(reboot)", "'$(reboot)'"),
        ("Zoé ~", "'Zoé ~'"),
        ("a\nb", "$'a\\x0ab'"),
        ("\x1b[2J", "$'\\x1b[2J'"),
        ("\x7f", "$'\\x7f'"),
        ("it's\t\\", "$'it\\'s\\x09\\\\'"),
        ("\x80", "$'\\u0080'"),
        ("a\u202eb", "$'a\\u202eb'"),
        ("\ufeff", "$'\\ufeff'"),
        ("\u200b", "$'\\u200b'"),
    ],
)
def test_text_is_one_word_that_moves_no_cursor(text: str, written: str) -> None:
    assert quoted(text) == written


@pytest.mark.parametrize("text", ["a\nb", "it's\t\\n", "a\u202eb'", "\x1b[2J $x `y`", "\x7f"])
def test_a_shell_reads_it_as_it_was(text: str) -> None:
    said = subprocess.run(
        ["bash", "-c", f"printf %s {quoted(text)}"],
        capture_output=True, check=True, env={"LC_ALL": "C.UTF-8"},
    )  # fmt: skip
    assert said.stdout.decode() == text
