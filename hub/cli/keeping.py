"""Commands about what is kept: let go what is past its term, back up, restore."""

from __future__ import annotations

import argparse
import sys

from hub import backup, retention
from hub.bootstrap import open_archive, open_engine
from hub.cli.printing import show_table
from hub.settings import read_settings, read_terms


def retain(words: argparse.Namespace) -> int:
    """Show, or let go, raw bytes of settled batches past their term (HUB_KEEP_RAW_DAYS) and old days of the journal.

    Records, rejections, receipts and reports stay; each part that goes leaves a tombstone with its digest, when, why and by whom.
    """
    settings, terms = read_settings(), read_terms()
    engine = open_engine(settings.database_url)
    found = retention.find_past_term(engine, terms)
    print(f"raw bytes fetched before {found.before:%F %T} ({terms.raw_days} days), journal {terms.journal_days} days")
    show_table("", found.feeds)
    print(f"{found.unsettled} batches as old are not settled and stay")
    if words.preview:
        print("nothing was changed; `hub retention --apply` lets them go")
        return 0
    gone = retention.let_go(engine, open_archive(settings.archive), terms, words.by)
    print(
        f"{gone.parts} parts let go by {words.by}, {gone.shared} stay for younger batches, "
        f"{gone.journal} entries of the journal and {gone.unfinished} unfinished files removed"
    )
    return 0


def back_up(words: argparse.Namespace) -> int:
    """Back up database and archive into a new folder while the hub runs, and check what was written."""
    settings = read_settings()
    backup.make_backup(open_engine(settings.database_url), open_archive(settings.archive), words.folder)
    return _check(words)


def restore(words: argparse.Namespace) -> int:
    """Restore a backup into an empty database and the archive; with --check only look whether it is whole.

    The hub must not run meanwhile. Afterwards nothing goes out a second time: see `docs/operating.md`.
    """
    if words.check:
        return _check(words)
    settings = read_settings()
    done = backup.restore_backup(
        open_engine(settings.database_url), open_archive(settings.archive), words.folder, words.by
    )
    for sentence in done.wrong:
        print(sentence, file=sys.stderr)
    print(
        f"从 {done.manifest.backup_at:%F %T} 的备份恢复 / restored from a backup of {done.manifest.backup_at:%F %T}\n"
        f"{done.objects} objects copied into the archive, {done.batches} later batches found in its journal, "
        f"{done.told_rows} rows told since\n"
        f"new versions lie above {done.version_floor}; {len(done.wrong)} parts missing or changed"
    )
    return 1 if done.wrong else 0


def _check(words: argparse.Namespace) -> int:
    manifest, wrong = backup.check_backup(words.folder)
    for sentence in wrong:
        print(sentence, file=sys.stderr)
    batches = manifest.tables.get("hub.batch", 0)
    print(
        f"{words.folder}: 备份时间 backup of {manifest.backup_at:%F %T}, {batches} batches, {sum(manifest.tables.values())} rows, "
        f"{manifest.objects} objects, {len(wrong)} faults"
    )
    return 1 if wrong else 0
