// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.store;

import io.bight.store.MessageRecord.Progress;
import org.jspecify.annotations.Nullable;

/** What a commit is to do with one message: the last word of all that was told of it. */
final class PendingMessage {
  /** The message as it was put since the last commit; null: it was there before. */
  @Nullable MessageRecord put;

  /** How far it has come since; null: as it was put, or as it stood before. */
  @Nullable Progress progress;

  /** It has been released, and keeps the packet identifier that it has. */
  boolean isReleased;

  boolean isRemoved;
}
