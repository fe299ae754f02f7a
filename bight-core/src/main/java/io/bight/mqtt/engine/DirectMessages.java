// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.engine;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * QoS 1 and 2 messages that were sent as soon as they were published and are in flight on the
 * current connection. Most messages are, and until their acknowledgement the session keeps no more
 * of one than what its packet identifier stands for, the {@link Publication}, and one number. Those
 * that are left when the connection ends get an entry like all others.
 */
final class DirectMessages {
  private static final int INITIAL_CAPACITY = 16;
  private static final long[] NONE = new long[0];

  private final PacketIdentifiers<Object> packetIdentifiers;

  /**
   * By packet identifier: its place in the order of PUBLISH, or in that of PUBREC once that has
   * come, as {@link #note} writes it; 0: it is not of one of these messages.
   */
  private long[] notes = NONE;

  private int published;
  private int released;

  /**
   * One of the messages.
   *
   * @param place its place in the order of PUBLISH, or in that of PUBREC if that has come
   */
  record Direct(int packetIdentifier, Publication publication, long place, boolean released) {}

  DirectMessages(PacketIdentifiers<Object> packetIdentifiers) {
    this.packetIdentifiers = packetIdentifiers;
  }

  private static long note(long place, boolean released) {
    return (place + 1) << 1 | (released ? 1 : 0);
  }

  private static boolean isReleased(long note) {
    return (note & 1) != 0;
  }

  private static long placeIn(long note) {
    return (note >> 1) - 1;
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
    notes[packetIdentifier] = note(place, false);
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
    return isReleased(notes[packetIdentifier]);
  }

  /** PUBREC has come for one of the messages. */
  void release(int packetIdentifier, long place) {
    notes[packetIdentifier] = note(place, true);
    published--;
    released++;
  }

  /** Takes one of the messages out; its packet identifier stays in use. */
  void remove(int packetIdentifier) {
    if (isReleased(notes[packetIdentifier])) {
      released--;
    } else {
      published--;
    }
    notes[packetIdentifier] = 0;
  }

  /** Takes out all messages, or those that wait for PUBCOMP; returns them in their order. */
  List<Direct> takeAll(boolean onlyReleased) {
    List<Direct> taken = new ArrayList<>();
    for (int i = 0; i < notes.length && size() > 0; i++) {
      Publication publication = get(i);
      if (publication != null && (!onlyReleased || isReleased(i))) {
        taken.add(new Direct(i, publication, placeIn(notes[i]), isReleased(i)));
        remove(i);
      }
    }
    taken.sort(Comparator.comparingLong(Direct::place));
    return taken;
  }
}
