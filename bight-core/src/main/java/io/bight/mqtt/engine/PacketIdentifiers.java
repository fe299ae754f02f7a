// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.engine;

import java.util.Arrays;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The packet identifiers in use by this client and what each stands for [MQTT 5.0, section 2.2.1].
 *
 * <p>Identifiers go round within the table, and the table grows only when it is half full: a client
 * with few packets in flight stays at a few dozen bytes however many it sends in a year, and
 * finding a free identifier takes two looks on average.
 *
 * @param <T> what an identifier stands for
 */
final class PacketIdentifiers<T> {
  static final int HIGHEST = 65_535;
  private static final int INITIAL_CAPACITY = 16;
  private static final @Nullable Object[] NONE = new Object[0];

  /** Empty until the first is taken. */
  private @Nullable Object[] table = NONE;

  private int last;
  private int used;

  int used() {
    return used;
  }

  boolean isExhausted() {
    return used == HIGHEST;
  }

  /** Takes a free identifier for a packet [MQTT-2.2.1-3]. */
  int take(T packet) {
    if (isExhausted()) {
      throw new IllegalStateException("all 65535 packet identifiers are in use");
    }
    if (used >= table.length / 2 && table.length <= HIGHEST) {
      grow();
    }
    int identifier = last;
    do {
      identifier = identifier + 1 == table.length ? 1 : identifier + 1;
    } while (table[identifier] != null);
    table[identifier] = packet;
    last = identifier;
    used++;
    return identifier;
  }

  /** Has an identifier in use stand for another form of its packet. */
  void replace(int identifier, T packet) {
    if (get(identifier) == null) {
      throw new IllegalStateException("packet identifier " + identifier + " is not in use");
    }
    table[identifier] = packet;
  }

  /** Takes an identifier that a stored packet already has. */
  void takeStored(int identifier, T packet) {
    while (identifier >= table.length) {
      grow();
    }
    if (table[identifier] != null) {
      throw new IllegalStateException("packet identifier " + identifier + " is in use");
    }
    table[identifier] = packet;
    used++;
  }

  /** Returns what an identifier stands for, or null if it is free. */
  @SuppressWarnings("unchecked") // whoever writes takes a T
  @Nullable T get(int identifier) {
    return identifier < table.length ? (T) table[identifier] : null;
  }

  /** Hands out what all identifiers in use stand for, in no particular order. */
  @SuppressWarnings("unchecked")
  void forEach(Consumer<T> action) {
    for (Object packet : table) {
      if (packet != null) {
        action.accept((T) packet);
      }
    }
  }

  /** Makes an identifier free again. */
  void release(int identifier) {
    if (get(identifier) == null) {
      throw new IllegalStateException("packet identifier " + identifier + " is not in use");
    }
    table[identifier] = null;
    used--;
  }

  private void grow() {
    table = Arrays.copyOf(table, Math.max(table.length * 2, INITIAL_CAPACITY));
  }
}
