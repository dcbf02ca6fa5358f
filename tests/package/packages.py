# SPDX-License-Identifier: GPL-3.0-or-later
"""The packages, made once and unpacked once, and how to run what is in them."""
import contextlib
import functools
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

SOURCE = pathlib.Path(__file__).resolve().parents[2]
TOOLS = ("patchelf", "file", "dpkg-deb", "dpkg-shlibdeps", "readelf", "zstd")

_folder = contextlib.ExitStack()
unittest.addModuleCleanup(_folder.close)


def run(*command, check=True, **options):
    """The finished process with its output as text; 120 seconds stand for a hang."""
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=options.pop("timeout", 120), **options)
    if check and done.returncode != 0:
        raise AssertionError(f"{command} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done


def need(*tools):
    missing = [tool for tool in tools if not shutil.which(tool)]
    if missing:
        raise unittest.SkipTest("not on this machine: " + ", ".join(missing))


@functools.cache
def folder():
    """Where all of it lies; gone when the tests are over."""
    return pathlib.Path(_folder.enter_context(tempfile.TemporaryDirectory(prefix="qscope-packages-")))


@functools.cache
def home():
    """A home for programs that would otherwise leave their settings in the user's."""
    (folder() / "home").mkdir()
    return str(folder() / "home")


@functools.cache
def packages():
    """{"deb", "dev", "archive": path}."""
    need(*TOOLS)
    made = folder() / "made"
    run(os.environ["CPACK"], "--config", os.environ["CPACK_CONFIG"], "-B", made, "-G", "DEB;TZST",
        "-D", "CPACK_DEBIAN_COMPRESSION_TYPE=zstd", timeout=500)
    shutil.rmtree(made / "_CPack_Packages")
    found = {}
    for kind, pattern in (("deb", "quantoscope_*.deb"), ("dev", "quantoscope-dev_*.deb"), ("archive", "quantoscope-*.tar.zst")):
        (found[kind],) = made.glob(pattern)
    return found


@functools.cache
def debian_tree():
    """The Debian package's files, as if installed in this folder."""
    run("dpkg-deb", "-x", packages()["deb"], folder() / "debian")
    return folder() / "debian"


@functools.cache
def clean_root():
    """A root with the unpacked archive in /opt/a folder with spaces, the C library, and nothing else."""
    root = folder() / "root"
    place = root / "opt/a folder with spaces"
    for inside in (place, root / "proc", root / "dev", root / "tmp"):
        inside.mkdir(parents=True)
    (root / "dev/null").touch()
    (root / "tmp/run").mkdir(mode=0o700)
    run("tar", "--zstd", "-xf", packages()["archive"], "-C", place)
    loader = re.search(r"interpreter: (.*)\]", run("readelf", "-l", debian_tree() / "usr/bin/qscope").stdout)[1]
    for name in [loader, *run("dpkg", "-L", "libc6").stdout.split()]:
        path = pathlib.Path(name)
        if ".so" in path.name and path.parent.name not in ("gconv", "audit") and path.is_file():
            (root / name[1:]).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path.resolve(), root / name[1:])
    return root


def archive_folder():
    """The archive's one folder, as a path of this machine."""
    (unpacked,) = (clean_root() / "opt/a folder with spaces").iterdir()
    return unpacked


ENTER = """
mount --rbind /proc "$0/proc" && mount --bind /dev/null "$0/dev/null" || exit 99
exec chroot "$0" "$@"
"""


def run_inside(*command, environment=None):
    """Runs a program in the clean root, without a display."""
    need("unshare", "chroot", "mount")
    if run("unshare", "--user", "--map-root-user", "--mount", "true", check=False).returncode != 0:
        raise unittest.SkipTest("the kernel refuses user namespaces here")
    variables = {"HOME": "/tmp", "XDG_RUNTIME_DIR": "/tmp/run", "QT_QPA_PLATFORM": "offscreen", "PATH": os.environ["PATH"]}
    done = run("unshare", "--user", "--map-root-user", "--mount", "sh", "-c", ENTER, clean_root(), *command,
               check=False, env=variables | (environment or {}))
    if done.returncode == 99:
        raise unittest.SkipTest("the kernel refuses to mount here: " + done.stderr)
    return done
