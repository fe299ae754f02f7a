// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.engine;

/** How tests see what a session has in flight, whether it has an entry for it or not. */
public final class InFlight {
  private InFlight() {}

  /**
   * Returns the packet identifier of a message whose PUBLISH was encoded and is unacknowledged.
   *
   * @param session the session
   * @param publication what was given to the engine
   * @return 1 to 65,535; 0: the message is not in flight, or PUBREC has come
   */
  public static int publishedAs(Session session, Publication publication) {
    for (int i = 1; i <= PacketIdentifiers.HIGHEST; i++) {
      Object packet = session.packetIdentifiers.get(i);
      if (packet == publication) {
        return session.direct.isReleased(i) ? 0 : i;
      }
      if (packet instanceof OutgoingPublish entry && entry.publication() == publication) {
        return entry.isPublished ? i : 0;
      }
    }
    return 0;
  }
}
