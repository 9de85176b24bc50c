"""A large file's way from OpenSSH's server through archive, backup and restore: `python -m bench.large_file [megabytes]`.

For each step its seconds and the most memory above what the process had before; the same is a test with a smaller file.
"""

import sys
import tempfile
from pathlib import Path

from launcher.postgres import EmbeddedPostgres
from tests.contract.large_files import drop, measure
from tests.contract.ssh_server import find_sshd, serving


def main() -> int:
    """Print a line for each step, in both suites."""
    megabytes = int(sys.argv[1]) if len(sys.argv) > 1 else 500
    if find_sshd() is None:
        print("OpenSSH's sshd is not installed (Debian: apt install openssh-server); nothing was measured")
        return 0
    for suite in ("aes", "sm"):
        with tempfile.TemporaryDirectory() as name, EmbeddedPostgres(Path(name) / "postgres") as server:
            names = ("first", "second")
            assert all(server.create_database(database) for database in names)
            with serving(Path(name)) as (connection, root):
                size = drop(root, megabytes) / 2**20
                steps = measure(connection, Path(name), (server.url(names[0]), server.url(names[1])), HUB_SUITE=suite)
        print(f"{size:.0f} MB, {suite}")
        for step in steps:
            speed = f"{size / step.seconds:6.0f} MB/s"
            print(f"  {step.name:24} {step.seconds:6.1f} s {speed}   {step.peak_mb:6.0f} MB of memory")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
