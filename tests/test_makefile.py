"""What `make` installs into, with uv and without it."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from installing import ROOT

UNREACHABLE = ("No solution found", "Failed to fetch", "error sending request", "dns error")


@pytest.mark.parametrize("uv", ["yes", ""], ids=["uv", "no uv"])
def test_the_virtual_environment_has_a_pip_of_its_own(uv: str, tmp_path: Path) -> None:
    """Else `pip install` of a plugin would go into another Python, and not be found."""
    if uv and shutil.which("uv") is None:
        pytest.skip("uv is not installed here")
    shutil.copy(ROOT / "Makefile", tmp_path)
    line = ["make", "-s", ".venv", f"UV={uv}", f"PYTHON={sys.executable}"]
    done = subprocess.run(
        line, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False
    )
    if done.returncode and any(word in done.stderr for word in UNREACHABLE):
        pytest.skip("no package index can be reached")
    if done.returncode and "cannot make virtual environments" in done.stderr:
        pytest.skip("this Python has no ensurepip")
    assert done.returncode == 0, done.stderr
    which = subprocess.run(
        ["sh", "-c", ". .venv/bin/activate && command -v pip"],
        cwd=tmp_path, capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert which.stdout.strip() == str(tmp_path / ".venv" / "bin" / "pip")
