// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.store;

import io.bight.mqtt.MqttStoreException;
import io.bight.mqtt.engine.SessionStore;
import io.bight.mqtt.engine.SessionStoreOpener;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.Objects;

/**
 * Keeps a client's session in a directory: messages on their way out, identifiers of QoS 2 messages
 * that were handled, subscriptions. A client that is built with the same directory and client
 * identifier goes on where the last one ended, however it ended.
 *
 * <pre>{@code
 * MqttClient.builder("mqtt://localhost")
 *     .clientId("kitchen-display")
 *     .sessionStore(DiskSessionStore.in(Path.of("/var/lib/kitchen/session")))
 * }</pre>
 *
 * <p><b>What is kept when.</b> {@link Durability} says what a committed change survives; with each
 * of them a change survives the process, as a whole or not at all with the others of its commit. An
 * outgoing message that has ended may be found again by the next process if this one is killed
 * right then; it is sent again as the specification allows. That a QoS 2 message was handled
 * survives the process from the moment the handler is done, without a commit. Removals of such
 * marks wait for the commit.
 *
 * <p><b>Expiry.</b> A message whose Message Expiry Interval has passed is loaded without life: it
 * is not sent unless it was sent before, and the program is told. A clock that was set back gives
 * it no longer life than it had when it was stored. A session whose Session Expiry Interval has
 * passed since its connection ended is loaded as expired.
 *
 * <p><b>Files.</b> One directory holds one session: {@code session.db} (an H2 MVStore in blocks
 * with checksums), {@code incoming} (the marks of QoS 2 messages, 76 kB), {@code identity} (client
 * identifier and format version), {@code lock}. The lock keeps a second client of this or another
 * process out; the operating system lifts it when the process ends. Files that are damaged do not
 * prevent a start: what can be read is kept, the damaged file is renamed to {@code
 * session.db.damaged-1} and so on, and one warning says what was lost. At most eight are kept of a
 * kind; a further one takes the place of the last. Do not put the directory on a network file
 * system whose locks or mapped files do not work as on a local disk.
 *
 * <p><b>Size.</b> The file of the session follows what it holds: it is at most about four times as
 * large, and half a megabyte. An open store takes some tens of kilobytes of heap and keeps no
 * messages in memory; 76 kB are mapped, and stay so until the garbage collector finds the closed
 * store. There is no thread, except one for all stores with {@link Durability#INTERVAL}.
 *
 * <p>This object is immutable and may be used by any thread, and for several clients if each has a
 * directory of its own. The store that it opens belongs to its client.
 */
public final class DiskSessionStore implements SessionStoreOpener {
  private final Path directory;
  private final Durability durability;
  private final Duration syncInterval;
  private final FileAccess access;
  private final Clock clock;

  private DiskSessionStore(
      Path directory,
      Durability durability,
      Duration syncInterval,
      FileAccess access,
      Clock clock) {
    this.directory = directory;
    this.durability = durability;
    this.syncInterval = syncInterval;
    this.access = access;
    this.clock = clock;
  }

  /**
   * Keeps the session in a directory, with {@link Durability#ALWAYS}.
   *
   * @param directory a directory for this client alone; it is made when the store is opened
   * @return what opens the store
   */
  public static DiskSessionStore in(Path directory) {
    return new DiskSessionStore(
        Objects.requireNonNull(directory, "directory"),
        Durability.ALWAYS,
        Duration.ofSeconds(1),
        FileAccess.DIRECT,
        Clock.systemUTC());
  }

  /**
   * Sets what a change has survived before the packets that follow from it are written.
   *
   * @param choice the durability
   * @return what opens such a store
   */
  public DiskSessionStore durability(Durability choice) {
    return new DiskSessionStore(
        directory, Objects.requireNonNull(choice, "durability"), syncInterval, access, clock);
  }

  /**
   * Sets after what time at most a change is synced with {@link Durability#INTERVAL}; one second
   * unless set.
   *
   * @param interval the time, at least a millisecond
   * @return what opens such a store
   * @throws IllegalArgumentException if the interval is shorter
   */
  public DiskSessionStore syncInterval(Duration interval) {
    if (interval.compareTo(Duration.ofMillis(1)) < 0) {
      throw new IllegalArgumentException(
          "the sync interval is " + interval + "; it is at least a millisecond");
    }
    return new DiskSessionStore(directory, durability, interval, access, clock);
  }

  /** For tests: files that fail or forget. */
  DiskSessionStore access(FileAccess other) {
    return new DiskSessionStore(directory, durability, syncInterval, other, clock);
  }

  /** For tests: another time. */
  DiskSessionStore clock(Clock other) {
    return new DiskSessionStore(directory, durability, syncInterval, access, other);
  }

  /**
   * Opens the store.
   *
   * @param clientIdentifier whose session it is
   * @return the store
   * @throws MqttStoreException if the directory cannot be made or written, is in use, is that of
   *     another client or was written by a newer version; its message says what to do
   */
  @Override
  public SessionStore open(String clientIdentifier) {
    Objects.requireNonNull(clientIdentifier, "clientIdentifier");
    return new SessionOpening(directory, clientIdentifier, durability, syncInterval, access, clock)
        .open();
  }

  @Override
  public String toString() {
    return "DiskSessionStore[" + directory + ", " + durability + "]";
  }
}
