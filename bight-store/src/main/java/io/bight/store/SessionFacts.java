// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.store;

import io.bight.mqtt.engine.SessionStore;
import io.bight.mqtt.engine.StoredSession.Standing;
import io.bight.store.RecordReader.BadRecordException;

/**
 * What is known of the session as a whole.
 *
 * @param clientIdentifier whose it is
 * @param token a number that this directory's files have in common
 * @param isConnecting whether CONNECT was sent and its outcome is open
 * @param expirySeconds the Session Expiry Interval of the last connection
 * @param endedMillis when the last connection ended, in milliseconds since 1970; 0: it did not
 * @param removals counts, from 1, the commits that removed incoming identifiers: {@link
 *     IncomingTable}
 */
record SessionFacts(
    String clientIdentifier,
    long token,
    boolean isConnecting,
    long expirySeconds,
    long endedMillis,
    long removals) {

  /** The facts of a session that has not begun. */
  static SessionFacts ofNew(String clientIdentifier, long token) {
    return new SessionFacts(clientIdentifier, token, false, SessionStore.NEVER_EXPIRES, 0, 1);
  }

  SessionFacts connecting() {
    return new SessionFacts(clientIdentifier, token, true, expirySeconds, endedMillis, removals);
  }

  SessionFacts notConnected() {
    return new SessionFacts(clientIdentifier, token, false, expirySeconds, endedMillis, removals);
  }

  SessionFacts connected(long seconds) {
    return new SessionFacts(clientIdentifier, token, false, seconds, 0, removals);
  }

  SessionFacts ended(long seconds, long nowMillis) {
    return new SessionFacts(
        clientIdentifier, token, false, seconds, Math.max(1, nowMillis), removals);
  }

  SessionFacts withRemovals(long count) {
    return new SessionFacts(
        clientIdentifier, token, isConnecting, expirySeconds, endedMillis, count);
  }

  /**
   * What to make of the server's half now. A session without life beyond its connection is gone,
   * since the process that held the connection is. Of one that was not told to have ended, only the
   * server knows how long that is ago; and a CONNECT whose outcome is open may have gone on with
   * it.
   */
  Standing standing(long nowMillis) {
    if (isConnecting) {
      return Standing.UNCERTAIN;
    }
    boolean hasEnded =
        expirySeconds == 0
            || (expirySeconds != SessionStore.NEVER_EXPIRES
                && endedMillis != 0
                && nowMillis - endedMillis >= expirySeconds * 1_000);
    return hasEnded ? Standing.EXPIRED : Standing.KNOWN;
  }

  byte[] toBytes(RecordWriter writer) {
    return writer
        .start()
        .putByte(isConnecting ? 1 : 0)
        .putNumber(token)
        .putNumber(expirySeconds)
        .putNumber(endedMillis)
        .putNumber(removals)
        .putString(clientIdentifier)
        .finish();
  }

  static SessionFacts of(byte[] bytes) throws BadRecordException {
    RecordReader reader = new RecordReader(bytes);
    boolean isConnecting = reader.takeByte() == 1;
    long token = reader.takeNumber();
    long expirySeconds = reader.takeNumber();
    long endedMillis = reader.takeNumber();
    long removals = reader.takeNumber();
    SessionFacts facts =
        new SessionFacts(
            reader.takeString(), token, isConnecting, expirySeconds, endedMillis, removals);
    reader.requireEnd();
    return facts;
  }
}
