"""Installing a package for one test, without pip and without any network."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
CHAT = ROOT / "docs" / "examples" / "duecourse-chat"


def build_wheel(source: Path, target: Path) -> Path:
    """Build a wheel of `source` into `target`, from a copy: a build leaves files behind."""
    copy = target / "source"
    skip = shutil.ignore_patterns(".*", "__pycache__", "bench", "data", "dist", "build")
    shutil.copytree(source, copy, ignore=skip)
    line = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(target)]
    subprocess.run(line, cwd=copy, check=True, capture_output=True, timeout=120)
    (wheel,) = target.glob("*.whl")
    return wheel


def install(source: Path, target: Path) -> dict[str, str]:
    """Unpack the package where Python finds it. Returns the environment for that."""
    with zipfile.ZipFile(build_wheel(source, target)) as wheel:
        wheel.extractall(target / "site")
    inherited = {
        k: v for k, v in os.environ.items() if not k.startswith(("DUECOURSE_", "DATABASE"))
    }
    return inherited | {"PYTHONPATH": str(target / "site")}
