"""Backup of database and archive together, the check that it is whole, and the way back, after which nothing is sent twice."""

from hub.backup.checking import check_backup
from hub.backup.making import make_backup
from hub.backup.manifest import Manifest
from hub.backup.restoring import Restored, restore_backup

__all__ = ["Manifest", "Restored", "check_backup", "make_backup", "restore_backup"]
