// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.engine;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * QoS 1 and 2 messages that were sent as soon as they were published and are in flight on the
 * current connection. Most messages are, and until their acknowledgement the session keeps no more
 * of one than what its packet identifier stands for, the {@link Publication}, and one number. Those
 * that are left when the connection ends get an entry like all others.
 *
 * <p>Whatever is done with one message costs the same however many there are.
 */
final class DirectMessages {
  private static final int INITIAL_CAPACITY = 16;
  private static final long[] NO_NOTES = new long[0];

  // How a note says what has become of its message. Zero: there is no such message.
  /** Waits for PUBACK or PUBREC; above this bit is its place in the order of PUBLISH. */
  private static final long PUBLISHED = 1;

  /** Waits for PUBCOMP; above this bit are its neighbours in the order of PUBREC. */
  private static final long RELEASED = 2;

  private static final long STATE = PUBLISHED | RELEASED;
  private static final int PLACE_SHIFT = 2;
  private static final int PREVIOUS_SHIFT = 16;
  private static final int NEXT_SHIFT = 32;
  private static final long IDENTIFIER = 0xFFFF;

  /** Stands for those of a session that has had none yet; nothing is added to it. */
  static final DirectMessages NONE = new DirectMessages(new PacketIdentifiers<>());

  private final PacketIdentifiers<Object> packetIdentifiers;

  /** By packet identifier. */
  private long[] notes = NO_NOTES;

  private int published;
  private int released;

  // The first and the last packet identifier in the order of PUBREC; 0: none
  private int firstReleased;
  private int lastReleased;

  /**
   * One of the messages.
   *
   * @param place its place in the order of PUBLISH; means nothing once PUBREC has come
   */
  record Direct(int packetIdentifier, Publication publication, long place) {}

  DirectMessages(PacketIdentifiers<Object> packetIdentifiers) {
    this.packetIdentifiers = packetIdentifiers;
  }

  int size() {
    return published + released;
  }

  /** Returns how many wait for PUBACK or PUBREC. */
  int published() {
    return published;
  }

  /** Returns how many wait for PUBCOMP. */
  int released() {
    return released;
  }

  /** Adds a message that has just taken its packet identifier. */
  void add(int packetIdentifier, long place) {
    if (packetIdentifier >= notes.length) {
      int longer = Math.max(INITIAL_CAPACITY, Math.max(2 * notes.length, packetIdentifier + 1));
      notes = Arrays.copyOf(notes, Math.min(longer, PacketIdentifiers.HIGHEST + 1));
    }
    notes[packetIdentifier] = place << PLACE_SHIFT | PUBLISHED;
    published++;
  }

  /** Returns the message with a packet identifier, or null if that is not of one of these. */
  @Nullable Publication get(int packetIdentifier) {
    return packetIdentifier < notes.length && notes[packetIdentifier] != 0
        ? (Publication) packetIdentifiers.get(packetIdentifier)
        : null;
  }

  /** Tells whether PUBREC has come for one of the messages. */
  boolean isReleased(int packetIdentifier) {
    return (notes[packetIdentifier] & STATE) == RELEASED;
  }

  /** PUBREC has come for one of the messages. */
  void release(int packetIdentifier) {
    published--;
    released++;
    notes[packetIdentifier] = RELEASED;
    link(lastReleased, packetIdentifier);
    link(packetIdentifier, 0);
  }

  /** Takes one of the messages out; its packet identifier stays in use. */
  void remove(int packetIdentifier) {
    if (isReleased(packetIdentifier)) {
      released--;
      link(neighbour(packetIdentifier, PREVIOUS_SHIFT), neighbour(packetIdentifier, NEXT_SHIFT));
    } else {
      published--;
    }
    notes[packetIdentifier] = 0;
  }

  private int neighbour(int packetIdentifier, int shift) {
    return (int) (notes[packetIdentifier] >>> shift & IDENTIFIER);
  }

  /** Makes two messages neighbours in the order of PUBREC; 0 stands for either end. */
  private void link(int earlier, int later) {
    if (earlier == 0) {
      firstReleased = later;
    } else {
      setNeighbour(earlier, NEXT_SHIFT, later);
    }
    if (later == 0) {
      lastReleased = earlier;
    } else {
      setNeighbour(later, PREVIOUS_SHIFT, earlier);
    }
  }

  private void setNeighbour(int packetIdentifier, int shift, int neighbour) {
    notes[packetIdentifier] =
        (notes[packetIdentifier] & ~(IDENTIFIER << shift)) | (long) neighbour << shift;
  }

  /** Takes out the messages that wait for PUBCOMP; returns them in the order of PUBREC. */
  List<Direct> takeReleased() {
    List<Direct> taken = new ArrayList<>(released);
    while (firstReleased != 0) {
      taken.add(take(firstReleased));
    }
    return taken;
  }

  /** Takes out the messages that wait for PUBACK or PUBREC; returns them in no particular order. */
  List<Direct> takePublished() {
    List<Direct> taken = new ArrayList<>(published);
    for (int i = 1; published > 0; i++) {
      if ((notes[i] & STATE) == PUBLISHED) {
        taken.add(take(i));
      }
    }
    return taken;
  }

  private Direct take(int packetIdentifier) {
    Publication publication = Objects.requireNonNull(get(packetIdentifier), "publication");
    Direct taken =
        new Direct(packetIdentifier, publication, notes[packetIdentifier] >> PLACE_SHIFT);
    remove(packetIdentifier);
    return taken;
  }
}
