// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.store;

import io.bight.store.BlockScan.Commit;
import java.io.IOException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * Reads a damaged database: of the newest commit what is readable, and what is missing there from
 * the commits before it, of which the file still has the last few. A message that ended in one of
 * those commits may come back by it; none that can be read is left out.
 */
final class SessionRecovery {
  /** The database keeps the last five versions, and older ones where nothing took their place. */
  private static final int VERSIONS_TRIED = 8;

  /** How many of the last commits are missing altogether. */
  int lostCommits;

  private final SessionFiles files;
  private final Path path;

  SessionRecovery(SessionFiles files, Path path) {
    this.files = files;
    this.path = path;
  }

  /** Returns what could be read; null: nothing. */
  @Nullable SessionContent read(BlockScan scan) throws IOException {
    SessionContent content = null;
    int tried = 0;
    if (!scan.finished().isEmpty() && scan.headerVersion() > scan.finished().lastKey()) {
      lostCommits = (int) (scan.headerVersion() - scan.finished().lastKey());
    }
    for (Commit commit : scan.finished().descendingMap().values()) {
      if (tried++ == VERSIONS_TRIED) {
        break;
      }
      SessionContent older = readAsOf(scan, commit);
      if (older == null) {
        lostCommits += content == null ? 1 : 0;
        continue;
      }
      boolean isWhole = older.isWhole();
      if (content == null) {
        content = older;
      } else {
        content.addFrom(older);
      }
      if (isWhole || content.isWhole()) {
        break;
      }
    }
    return content;
  }

  private @Nullable SessionContent readAsOf(BlockScan scan, Commit commit) throws IOException {
    UninterruptedFile file = files.openReadOnly(path);
    try (SessionDatabase database = SessionDatabase.openAsOf(path, file, scan, commit)) {
      if (database.version() != commit.version()) {
        return null;
      }
      SessionContent content = database.read();
      return content.facts == null ? null : content;
    } catch (RuntimeException | OutOfMemoryError | AssertionError e) {
      return null; // whatever the database makes of what is left
    } finally {
      file.close();
    }
  }
}
